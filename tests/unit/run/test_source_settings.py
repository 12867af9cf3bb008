"""Settings of a source: said in a recipe or beside a path, passed on, kept for a resumed run, refused where unknown."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tutelage
from tutelage.cli.main import build_parser
from tutelage.cli.wishes import make_request
from tutelage.core import layout
from tutelage.core.errors import DataError, RecipeError, TutelageError, UsageError
from tutelage.planning.recipe import Recipe, read_recipe, recipe_from
from tutelage.run.collect import collect

TABLE = {"path": "gaussians:8", "num_points": 200}


def recipe(source: Any) -> Recipe:
    return recipe_from({"source": source}, where="recipe.toml")


def typed(*words: str) -> Recipe:
    return make_request(build_parser().parse_args(["train", *words]), is_quiet=True).recipe


@pytest.mark.parametrize("source", [TABLE, {"kind": "gaussians", **TABLE}])
def test_settings_in_a_recipe_reach_the_source(source: dict[str, Any]) -> None:
    wished = recipe(source)
    assert wished.source == "gaussians:8"
    assert len(collect(wished).train) == 200  # type: ignore[arg-type]
    assert recipe_from(wished.model_dump(mode="json", exclude_defaults=True), where="again") == wished


def test_settings_beside_a_path_reach_the_source(tmp_path: Path) -> None:
    assert typed("gaussians:8", "--set", "source.num_points=200") == recipe(TABLE)
    (tmp_path / "wishes.toml").write_text('source = "gaussians:8"\n', encoding="utf-8")
    assert typed("--recipe", str(tmp_path / "wishes.toml"), "--set", "source.num_points=200") == recipe(TABLE)


def test_a_source_without_settings_stays_text() -> None:
    assert recipe("gaussians:8").model_dump(exclude_defaults=True) == {"source": "gaussians:8"}
    assert recipe({"path": "gaussians:8"}) == recipe("gaussians:8")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"path": "gaussians:8", "num_point": 200}, "num_point: unknown key; did you mean 'num_points'"),
        ({"path": "gaussians:8", "num_points": 1}, "num_points = 1"),
        ({"path": "gaussians:8", "kind": "gausians"}, "did you mean 'gaussians'"),
        ({"path": "gaussians:8", "target": "x"}, "write it beside the source: target = 'x'"),
    ],
)
def test_what_a_source_does_not_know_is_refused(source: dict[str, Any], told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        collect(recipe(source))


def test_settings_without_a_path_are_refused() -> None:
    with pytest.raises(TutelageError, match="no source given"):
        collect(recipe({"num_points": 200}))


def test_a_run_resumes_with_the_settings_of_its_source(tmp_path: Path) -> None:
    wished = recipe_from({"source": TABLE, "split": {"validation": 0.1}}, where="test")
    run = tutelage.train("gaussians:8", recipe=wished, steps=2, out=tmp_path / "run", quiet=True)
    assert read_recipe(run.path / layout.RECIPE)["source"] == TABLE
    assert run.data().sizes == {"train": 144, "validation": 16, "test": 40}
    (run.path / layout.RESULT).unlink()
    assert tutelage.resume(run.path, quiet=True).result["metrics"] == run.result["metrics"]


@pytest.mark.parametrize("horizon", ["0", "-3"])
def test_a_horizon_of_nothing_is_refused(horizon: str) -> None:
    with pytest.raises(TutelageError, match=f"--horizon {horizon}: expected a whole number > 0"):
        typed("load.csv", f"--horizon={horizon}")


def reviews() -> dict[str, Any]:
    return {
        "review": [f"number {n} was so and so" for n in range(60)],
        "note": ["short", "long"] * 30,
        "stars": ["good", "bad"] * 30,
    }


def test_the_column_of_texts_is_named_in_python_too(tmp_path: Path) -> None:
    table = reviews()
    lines = ["review,note,stars", *(",".join(row) for row in zip(*table.values(), strict=True)), ""]
    (tmp_path / "x.csv").write_text("\n".join(lines), encoding="utf-8")
    for source in (table, str(tmp_path / "x.csv")):
        assert tutelage.plan(source, target="stars").prepare.kind == "table"
        assert tutelage.plan(source, target="stars", text="review").prepare.kind == "mixed_table"
        with pytest.raises(DataError, match="there is no column 'reviw' of texts"):
            tutelage.plan(source, target="stars", text="reviw")
    with pytest.raises(DataError, match="have no column 'review' of texts"):
        tutelage.plan((np.zeros((60, 4, 4, 2, 2)), [0, 1] * 30), text="review")


def test_settings_that_data_from_python_do_not_have_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"source\.series_id = 'note' means nothing to data from Python.*task='forecast'"):
        tutelage.plan(reviews(), target="stars", series_id="note")


def test_a_run_on_texts_from_python_goes_on_with_them(tmp_path: Path) -> None:
    run = tutelage.train(reviews(), target="stars", text="review", steps=2, out=tmp_path / "run", quiet=True)
    again = tutelage.resume(run.path, reviews())
    assert again.plan["prepare"]["kind"] == "mixed_table"


def test_a_generator_gets_arrays_that_look_like_series_as_they_are() -> None:
    waves = np.sin(np.arange(40)[None, :, None] / 3 + np.random.default_rng(0).uniform(0, 6, (20, 1, 2)))
    assert collect(recipe_from({}, where="test"), data=(waves, np.arange(20) % 2)).train.kind == "series"
    assert collect(recipe_from({"task": "generate"}, where="test"), data=(waves, np.arange(20) % 2)).train.kind == "array"
    said = recipe_from({"source_settings": {"kind": "array"}}, where="test")
    assert collect(said, data=(waves, np.arange(20) % 2)).train.kind == "array"


@pytest.mark.parametrize("task", ["auto", "language"])
def test_a_text_in_place_of_a_path_is_told_as_such(task: str) -> None:
    with pytest.raises(UsageError, match=r"\(6,000 characters\): too long for a path\..* write it to a file"):
        tutelage.plan("hello world " * 500, task=task)
