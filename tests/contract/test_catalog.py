"""Every component of every family is found by its file, describes itself, and its settings survive JSON."""

import ast
import json
import re
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic.fields import PydanticUndefined

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.core.spec import Component, Pick, Spec, parse

ALL = [pytest.param(family, kind, id=f"{family}-{kind}") for family in catalog.families() for kind in catalog.names(family)]
FAMILIES = [family for family in catalog.families() if catalog.names(family)]
SECOND_SENTENCE = re.compile(r"[.!?]\s+[A-Z]")

EXAMPLES: dict[type, object] = {str: "text", int: 1, float: 0.5, bool: True}
"""Values for settings that have no default, by type."""


def load(family: str, kind: str) -> type[Component]:
    component: type[Component] = catalog.load(family, kind)
    return component


def make(family: str, kind: str) -> Component:
    """The component with its defaults, and an example where a setting has none."""
    component = load(family, kind)
    needed = {
        name: EXAMPLES[field.annotation]  # type: ignore[index]
        for name, field in component.model_fields.items()
        if field.default is PydanticUndefined and field.default_factory is None
    }
    return component(**needed)


def has_json_settings(component: Component) -> bool:
    """Whether all settings can be written in a recipe; parts that hold arrays are given from Python only."""
    try:
        component.model_dump_json()
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("family", ["init", "loss", "metric", "optim", "schedule", "env"])
def test_the_family_has_components(family: str) -> None:
    assert catalog.names(family)


def test_the_files_say_what_a_parser_reads_in_them() -> None:
    """A file is a component where the first name it exports is a class with a kind: found by its text, not by parsing it."""
    for family in catalog.families():
        found = []
        for path in sorted((catalog.PACKAGE / catalog.FOLDERS[family]).glob("*.py")):
            tree = ast.parse(path.read_bytes())
            if exported_kind(tree):
                found.append((path.stem, (ast.get_docstring(tree) or "").split("\n")[0]))
        assert [(kind, catalog.describe(family, kind)) for kind in catalog.names(family)] == found


def exported_kind(tree: ast.Module) -> bool:
    """Whether the first exported name is a class of this file that sets its kind."""
    exported = [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign) and is_all(node)]
    return any(
        isinstance(node, ast.ClassDef)
        and node.name in exported[0][:1]
        and any(isinstance(item, ast.AnnAssign) and getattr(item.target, "id", "") == "kind" for item in node.body)
        for node in tree.body
        if exported
    )


def is_all(node: ast.Assign) -> bool:
    return getattr(node.targets[0], "id", "") == "__all__"


@pytest.mark.parametrize(("family", "kind"), ALL)
def test_a_component_describes_itself_in_one_sentence(family: str, kind: str) -> None:
    text = catalog.describe(family, kind)
    assert text.endswith(".")
    assert 10 < len(text) <= 140
    assert not SECOND_SENTENCE.search(text)
    assert text.isascii()


@pytest.mark.parametrize("family", FAMILIES)
def test_no_two_components_of_a_family_describe_themselves_alike(family: str) -> None:
    texts = [catalog.describe(family, kind) for kind in catalog.names(family)]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(("family", "kind"), ALL)
def test_a_component_is_named_by_its_file_and_belongs_to_its_folder(family: str, kind: str) -> None:
    component = load(family, kind)
    assert component.model_fields["kind"].default == kind
    assert component.family == family
    assert component.__module__.rsplit(".", 1)[-1] == kind


@pytest.mark.parametrize(("family", "kind"), ALL)
def test_every_setting_says_what_it_is(family: str, kind: str) -> None:
    fields = load(family, kind).model_fields
    bare = [name for name, field in fields.items() if name != "kind" and not field.description]
    assert not bare, f"no description: {', '.join(bare)}"


@pytest.mark.parametrize(("family", "kind"), ALL)
def test_settings_survive_json(family: str, kind: str) -> None:
    component = make(family, kind)
    if not has_json_settings(component):
        pytest.skip("holds Python objects")
    written = json.loads(json.dumps(component.model_dump(mode="json")))
    assert written["kind"] == kind
    again = load(family, kind).model_validate(written)
    assert again == component
    assert again.model_dump(mode="json") == written


@pytest.mark.parametrize(("family", "kind"), ALL)
def test_an_unknown_setting_is_refused_by_name_with_the_nearest_known_one(family: str, kind: str) -> None:
    known = [name for name in load(family, kind).model_fields if name != "kind"] or ["kind"]
    wrong = known[0] + "x"
    with pytest.raises(RecipeError) as caught:
        parse(load(family, kind), {wrong: 1}, where="recipe.toml")
    line = next(line for line in str(caught.value).splitlines() if wrong in line)
    assert line.startswith(f"recipe.toml: {wrong}: unknown key")
    assert f"did you mean {catalog.suggest(wrong, list(load(family, kind).model_fields)).split(chr(39))[1]!r}?" in line


@pytest.mark.parametrize(("family", "kind"), ALL)
def test_settings_cannot_be_changed_once_made(family: str, kind: str) -> None:
    with pytest.raises(ValidationError):
        make(family, kind).kind = "other"  # type: ignore[attr-defined]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_recipe_takes_a_name_a_table_or_an_instance(family: str) -> None:
    kind = catalog.names(family)[0]
    component = make(family, kind)
    holder = holder_of(family)
    assert holder.model_validate({"part": component}).part == component  # type: ignore[attr-defined]
    if has_json_settings(component):
        table = component.model_dump(mode="json")
        assert holder.model_validate({"part": table}).part == component  # type: ignore[attr-defined]
        assert json.loads(holder.model_validate({"part": component}).model_dump_json()) == {"part": table}


@pytest.mark.parametrize("family", FAMILIES)
def test_an_unknown_name_is_refused_with_the_nearest_and_all_known_ones(family: str) -> None:
    kind = catalog.names(family)[0]
    with pytest.raises(RecipeError, match=f"unknown {family} '{kind}x'; did you mean"):
        catalog.load(family, kind + "x")
    with pytest.raises(RecipeError) as caught:
        parse(holder_of(family), {"part": kind + "x"}, where="recipe.toml")
    assert "recipe.toml: part" in str(caught.value)
    assert all(name in str(caught.value) for name in catalog.names(family))


def test_a_component_of_another_family_is_refused() -> None:
    with pytest.raises(ValidationError, match="cannot stand where a schedule is expected"):
        holder_of("schedule").model_validate({"part": make("optim", "adamw")})


def test_a_typing_error_inside_a_component_is_told_with_its_path() -> None:
    with pytest.raises(RecipeError) as caught:
        parse(holder_of("optim"), {"part": {"kind": "adamw", "weight_decai": 0.1, "lr": -1}}, where="recipe.toml")
    lines = str(caught.value).splitlines()
    assert any("part.weight_decai: unknown key; did you mean 'weight_decay'?" in line for line in lines)
    assert any("part.lr = -1: " in line and "greater than 0" in line for line in lines)


def test_listing_imports_no_torch() -> None:
    program = (
        "import sys; from tutelage.core import catalog; "
        "[catalog.describe(f, k) for f in catalog.families() for k in catalog.names(f)]; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": str(catalog.PACKAGE.parent)})


def holder_of(family: str) -> Any:
    """A recipe with one key, `part`, that takes a component of the family."""
    return type("Holder", (Spec,), {"__annotations__": {"part": Pick(family)}, "__module__": __name__})
