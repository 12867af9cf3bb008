"""The reference that `make docs` writes: every component and setting, every key of a recipe."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from tutelage.core import catalog
from tutelage.planning.recipe import Recipe

PATH = Path(__file__).parents[2] / "docs" / "build.py"


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_build", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cells(text: str) -> list[int]:
    """How many cells each line of the tables has."""
    return [len(re.findall(r"(?<!\\)\|", line)) - 1 for line in text.splitlines() if line.startswith("|")]


def test_every_component_and_setting_is_on_the_page(build: ModuleType) -> None:
    text = build.render_components()
    for family in catalog.families():
        for kind in catalog.names(family):
            assert f"| `{kind}` |" in text
            for name, field in build.settings_of(catalog.load(family, kind)).items():
                assert f"| `{name}` |" in text
                assert build.escape(field.description or "?") in text
    assert all(f"## {family}\n" in text for family in catalog.families() if catalog.names(family))
    assert set(cells(text)) == {2, 5}


def test_every_key_of_a_recipe_is_on_the_page(build: ModuleType) -> None:
    text = build.render_recipe()
    for name, field in Recipe.model_fields.items():
        spec = build.nested(field)
        keys = [name] if spec is None else [f"{name}.{key}" for key in spec.model_fields]
        assert all(f"| `{key}` |" in text for key in keys)
    assert set(cells(text)) == {5}


def test_a_setting_says_its_type_default_and_range(build: ModuleType) -> None:
    text = build.render_recipe()
    assert "| `num_micro` | whole number | `1` | > 0 | Parts a batch is cut into to save memory. |" in text
    assert "| `optim` | `auto` or [optim](components.md#optim) | `auto` |" in text
    assert "| `on_bad_data` | `fail`, `skip` | `fail` |" in text


def test_pages_that_differ_from_the_code_are_named(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    assert build.main(["--check"]) == 1
    assert "components.md, recipe.md: not what the code says" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    assert build.main([]) == 0
    assert build.main(["--check"]) == 0
    (tmp_path / "recipe.md").write_text("old", encoding="utf-8")
    assert build.main(["--check"]) == 1
