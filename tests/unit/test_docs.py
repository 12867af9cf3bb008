"""The pages agree with the code: the reference that `make docs` writes, rooms and ranks, families, paths, recipes."""

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from test_layers import RANKS
from tutelage.cli.main import build_parser
from tutelage.cli.wishes import make_request
from tutelage.core import catalog
from tutelage.core.catalog import FOLDERS
from tutelage.planning.recipe import Recipe, read_recipe, recipe_from

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docs" / "build.py"
PACKAGE = ROOT / "src" / "tutelage"
PAGES = ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/adding.md")
RANK_ROW = re.compile(r"^\| (\d+) \| (.+?) \|.*$", re.MULTILINE)
PLANNED = {"study"}
"""Rooms that have a rank and no folder yet."""
INVENTED = {"optim/lion.py"}
"""Paths of examples that nobody wrote."""
RECIPES = sorted((ROOT / "recipes").glob("*.toml"))


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


def test_families_that_a_recipe_cannot_name_say_so(build: ModuleType) -> None:
    text = build.render_components()
    chosen = {family for family in catalog.families() if catalog.names(family) and f"## {family}\n\n{build.FOUND}" not in text}
    assert chosen == {"task", "game", "model", "init", "prepare", "augment", "floor", "loss", "optim", "schedule", "metric"}


def test_every_key_of_a_recipe_is_on_the_page(build: ModuleType) -> None:
    text = build.render_recipe()
    for name, field in Recipe.model_fields.items():
        spec = build.nested(field)
        keys = [name] if spec is None else [f"{name}.{key}" for key in spec.model_fields]
        assert all(f"| `{key}` |" in text for key in keys)
    assert set(cells(text)) == {5}


def test_a_setting_says_its_type_default_and_range(build: ModuleType) -> None:
    text = build.render_recipe()
    assert "| `num_micro` | whole number | `1` | > 0, <= 4096 | Parts a batch is cut into to save memory. |" in text
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


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_rooms_have_the_ranks_that_the_pages_say() -> None:
    for name in ("CONTRIBUTING.md", "docs/architecture.md"):
        said = {room: int(rank) for rank, cell in RANK_ROW.findall(page(name)) for room in rooms_in(cell) if room in RANKS}
        assert said == {room: RANKS[room] for room in said}, name
        assert set(RANKS) - PLANNED <= set(said), name
    assert not any((PACKAGE / room).exists() for room in PLANNED), "a room has come: it is no longer planned"


def rooms_in(cell: str) -> set[str]:
    """The rooms that a cell of a table of ranks names: the first folder of each path."""
    words = [word for code in re.findall(r"`([^`]+)`", cell) for word in code.split()]
    return {word.partition("/")[0].removesuffix(".py") for word in words}


def test_every_family_is_named_with_its_folder() -> None:
    rows = dict(re.findall(r"^\| `([a-z]+)` \| `([a-z_/]+)/` \|", page("CONTRIBUTING.md"), re.MULTILINE))
    assert rows == FOLDERS


def test_every_path_that_a_page_names_is_there() -> None:
    roots = (ROOT, PACKAGE, ROOT / "tests" / "contract")
    added = set(re.findall(r"^`(src/tutelage/[a-z_/]+\.py)`$", page("docs/adding.md"), re.MULTILINE))
    for name in PAGES:
        named = {path for path in re.findall(r"`((?:[a-z_]+/)*[a-z_0-9]+\.(?:py|md|toml))\b", page(name)) if "/" in path}
        assert not {path for path in named - added if not any((root / path).exists() for root in roots)} - INVENTED, name
        links = {path for path in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page(name)) if path}
        assert not {path for path in links if not (ROOT / name).parent.joinpath(path).exists()}, name


def test_the_recipe_in_the_readme_is_the_same_as_its_command() -> None:
    file = re.search(r"```toml\n(.*?)```", page("README.md"), re.DOTALL)
    command = re.search(r"The same without a file:\n\n```\ntutelage (.*?)```", page("README.md"), re.DOTALL)
    assert file is not None
    assert command is not None
    words = shlex.split(command.group(1).replace("\\\n", " "))
    said = make_request(build_parser().parse_args(words), is_quiet=True).recipe
    assert said == recipe_from(tomllib.loads(file.group(1)), where="README.md")


def test_words_that_are_not_understood_write_nothing(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    assert build.main(["--chek"]) == 2
    assert "--chek: not understood" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_understood_and_says_what_it_reaches(path: Path) -> None:
    recipe = recipe_from(read_recipe(path), where=path.name)
    header = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    told = " ".join(line.lstrip("# ") for line in header)
    assert f"recipes/{path.name}" in told, "the command"
    assert all(word in told for word in ("Time:", "Score:", "Machine:"))
    assert recipe.source or "SOURCE" in told or "train " in told


def test_there_are_recipes() -> None:
    assert len(RECIPES) >= 2


def test_renamed_settings_stand_in_the_changelog() -> None:
    components = [catalog.load(family, kind) for family in catalog.families() for kind in catalog.names(family)]
    renamed = [pair for component in components for pair in getattr(component, "renamed", {}).items()]
    text = page("CHANGELOG.md")
    assert [(old, new) for old, new in renamed if not re.search(rf"\b{old}`.*\b{new}`", text)] == []
