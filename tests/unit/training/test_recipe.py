"""Recipes: what is refused, and how the error reads."""

import re
from pathlib import Path
from typing import Any

import pytest

from tutelage.core.errors import RecipeError
from tutelage.core.spec import grant
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.linear_to_zero import LinearToZero
from tutelage.planning.recipe import merge, parse_setting, read_recipe, recipe_from


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(RecipeError, match=r"mine: batch_siz: unknown key; did you mean 'batch_size'\?"):
        recipe_from({"batch_siz": 3}, where="mine")


def test_an_unknown_key_inside_a_table_is_refused_with_its_path() -> None:
    with pytest.raises(RecipeError, match=r"budget\.epoch: unknown key; did you mean 'epochs'\?"):
        recipe_from({"budget": {"epoch": 3}}, where="mine")


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        recipe_from({"sead": 1, "optim": "adamm", "num_micro": 0}, where="mine")
    assert all(word in str(caught.value) for word in ("seed", "adam", "num_micro"))


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        (["nosuch"], r"^mine: metrics\.0 = 'nosuch': unknown metric 'nosuch'\. Known: accuracy, .*$"),
        ([{"kind": "f1", "bogus": 1}], r"^mine: metrics\.0\.bogus: unknown key\. Known keys: average, kind\.$"),
        ([{"kind": "f1", "average": "x"}], r"^mine: metrics\.0\.average = 'x': must be 'macro', 'weighted' or 'positive'\..*$"),
        (3, r"^mine: metrics = 3: must be .*$"),
    ],
)
def test_mistakes_in_a_list_of_components_name_their_place_and_nothing_of_the_inside(metrics: object, told: str) -> None:
    with pytest.raises(RecipeError) as error:
        recipe_from({"metrics": metrics}, where="mine")
    assert re.match(told, str(error.value)), str(error.value)


def test_settings_that_do_not_go_together_are_refused_in_words() -> None:
    wish = recipe_from({"schedule": {"warmup": 0.7, "hold": 0.7}}, where="mine").schedule
    with pytest.raises(RecipeError, match=r"schedule = 'linear_to_zero'.*warmup"):
        grant(wish, LinearToZero())


@pytest.mark.parametrize("values", [[1], "words", None, 3])
def test_what_is_no_table_of_wishes_is_refused_in_words(values: Any) -> None:
    with pytest.raises(RecipeError, match=r"^mine: \(top\)"):
        recipe_from(values, where="mine")


def test_one_metric_alone_is_a_list_of_one() -> None:
    assert [metric.kind for metric in recipe_from({"metrics": "accuracy"}, where="mine").metrics] == ["accuracy"]


def test_two_budgets_are_refused() -> None:
    with pytest.raises(RecipeError, match="epochs and time"):
        recipe_from({"budget": {"epochs": 3, "time": "2m"}}, where="mine")


def test_a_table_without_kind_adjusts_what_auto_chooses() -> None:
    recipe = recipe_from({"optim": {"lr": 0.5}}, where="mine")
    assert grant(recipe.optim, AdamW(lr=1e-3, weight_decay=0.2)) == AdamW(lr=0.5, weight_decay=0.2)


def test_a_setting_out_of_range_names_the_component() -> None:
    recipe = recipe_from({"optim": {"lr": -1}}, where="mine")
    with pytest.raises(RecipeError, match=r"adamw.*lr = -1.*greater than 0.*Typical"):
        grant(recipe.optim, AdamW())


@pytest.mark.parametrize(
    ("text", "keys", "value"),
    [
        ("optim.lr=1e-3", ["optim", "lr"], 1e-3),
        ("model=cnn", ["model"], "cnn"),
        ("model.hidden=[8, 8]", ["model", "hidden"], [8, 8]),
        ("budget.time=3m", ["budget", "time"], "3m"),
        ("target=a b", ["target"], "a b"),
        ('columns."a.b"=category', ["columns", "a.b"], "category"),
        ('columns."a=b"=category', ["columns", "a=b"], "category"),
    ],
)
def test_settings_are_read_as_toml_or_as_words(text: str, keys: list[str], value: object) -> None:
    assert parse_setting(text) == (keys, value)


@pytest.mark.parametrize("text", ["optim", "=3", "a..b=1"])
def test_a_setting_without_key_or_value_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="expected key=value"):
        parse_setting(text)


def test_a_name_that_gets_settings_becomes_a_table() -> None:
    assert merge({"optim": "sgd"}, ["optim", "lr"], 0.1) == {"optim": {"kind": "sgd", "lr": 0.1}}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["optim.lr=0.77", "optim=sgd"], {"optim": {"kind": "sgd", "lr": 0.77}}),
        (["model.widths=[8]", "model=cnn"], {"model": {"kind": "cnn", "widths": [8]}}),
        (["optim={lr=0.77}", "optim=sgd"], {"optim": {"kind": "sgd", "lr": 0.77}}),
        (["optim.lr=0.77", "optim=auto"], {"optim": {"lr": 0.77}}),
        (["source.header=none", "source=x.csv"], {"source": {"path": "x.csv", "header": "none"}}),
        (["columns.a=date", 'columns={b="date"}'], {"columns": {"a": "date", "b": "date"}}),
        (["optim=adam", "optim=auto"], None),
    ],
)
def test_settings_are_merged_in_whatever_order(settings: list[str], expected: dict[str, Any] | None) -> None:
    def said(texts: list[str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for text in texts:
            values = merge(values, *parse_setting(text))
        return values

    if expected is None:
        assert said(settings) == {"optim": "auto"}, "of two names the last one counts"
    else:
        assert said(settings) == said(settings[::-1]) == expected


def test_a_setting_that_the_kind_named_last_does_not_have_is_refused() -> None:
    values = merge({"model": {"widths": [8, 8]}}, ["model"], "mlp")
    with pytest.raises(RecipeError, match=r"model\.widths: unknown key"):
        recipe_from(values, where="mine")


def test_a_recipe_file_that_is_not_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("seed = 1\noptim = = 3\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"bad\.toml.*line 2"):
        read_recipe(path)
