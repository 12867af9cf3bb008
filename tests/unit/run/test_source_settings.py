"""Settings of a source: said in a recipe or beside a path, passed on, kept for a resumed run, refused where unknown."""

from pathlib import Path
from typing import Any

import pytest

import tutelage
from tutelage.cli.main import build_parser
from tutelage.cli.wishes import make_request
from tutelage.core import layout
from tutelage.core.errors import RecipeError, TutelageError
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


def test_a_horizon_of_nothing_is_refused() -> None:
    with pytest.raises(TutelageError, match="--horizon 0: expected a whole number > 0"):
        typed("load.csv", "--horizon", "0")
