"""Settings of the wrong kind: refused with their key, in words, whatever they are."""

from typing import Any

import pytest

from tutelage.core.errors import RecipeError
from tutelage.planning.recipe import merge, parse_setting, recipe_from

NUMBERS = ("batch_size", "num_micro", "clip", "ema", "seed", "budget.epochs", "budget.steps", "split.test", "split.validation",
           "stopping.patience", "stopping.min_delta", "save.every_seconds")  # fmt: skip
ODD = ("true", "'3'", "inf", "nan", "-inf", "1e400", "[]", "[1]", "{}", "1" + "0" * 400)


def said(setting: str) -> str:
    with pytest.raises(RecipeError) as error:
        read(setting)
    return str(error.value)


def read(setting: str) -> None:
    keys, value = parse_setting(setting)
    recipe_from(merge({}, keys, value), where="here")


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", ODD)
def test_a_number_of_a_recipe_takes_numbers_only(key: str, value: str) -> None:
    text = said(f"{key}={value}")
    assert key in text
    assert len(text) < 1000


@pytest.mark.parametrize("setting", ["batch_size=0", "batch_size=-1", "batch_size=1e18", "budget.epochs=1e30", "budget.steps=0",
    "budget.steps=1e18", "num_micro=100000", "seed=-1", "seed=18446744073709551616", "save.every_seconds=-1"])  # fmt: skip
def test_numbers_out_of_range_are_refused(setting: str) -> None:
    assert setting.partition("=")[0].split(".")[0] in said(setting)


@pytest.mark.parametrize("key", ["budget", "split", "stopping", "save", "columns"])
@pytest.mark.parametrize("value", ["3", "'x'", "[1]", "true"])
def test_a_table_takes_tables_only(key: str, value: str) -> None:
    assert f"here: {key}" in said(f"{key}={value}")


@pytest.mark.parametrize("setting", ["source=[1]", "source={path=[1]}", "source=5", "test=[1]", "source_settings=3"])
def test_a_place_takes_texts_only(setting: str) -> None:
    assert "source" in said(setting) or "test" in said(setting)


@pytest.mark.parametrize("setting", ["a=" + "[" * 5000, "seed=" + "9" * 5000, "a." * 1000 + "b=1"])
def test_endless_settings_are_refused(setting: str) -> None:
    assert "--set" in said(setting)


@pytest.mark.parametrize("value", ["optim={kind=[1]}", "optim=[1]", "optim=3", "optim={kind=5}", "optim=true"])
def test_a_component_takes_names_and_tables(value: str) -> None:
    assert "optim" in said(value)


def test_whole_numbers_may_be_written_with_a_point_and_numbers_without() -> None:
    values: dict[str, Any] = {"batch_size": 32.0, "clip": 1, "budget": {"epochs": 3}}
    recipe = recipe_from(values, where="here")
    assert (recipe.batch_size, recipe.clip, recipe.budget.epochs) == (32, 1.0, 3.0)


@pytest.mark.parametrize("value", ["0", "-1", "100000"])
def test_a_size_out_of_range_is_told_once_by_its_own_name(value: str) -> None:
    text = said(f"prepare={{kind='image', size={value}}}")
    assert text.count("\n") == 0
    assert f"prepare.size = {value}: must be" in text
