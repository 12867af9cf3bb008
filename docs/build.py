"""Writes the reference from the code: docs/components.md with every component and its settings, docs/recipe.md with every key.

Run it with `make docs`; `python docs/build.py --check` writes nothing and fails where a page differs from the code.
"""

import sys
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tutelage.core import catalog
from tutelage.core.spec import Component, Family, Spec
from tutelage.planning.recipe import Recipe

FOLDER = Path(__file__).parent
SIGNS = ((Gt, "gt", ">"), (Ge, "ge", ">="), (Lt, "lt", "<"), (Le, "le", "<="))
WORDS = {str: "text", bool: "true or false", float: "number", int: "whole number", Any: "any", type(None): "none"}

COMPONENTS = """\
# Components

Written by `make docs` from the component files; do not edit. The kind is the file's name, and what a recipe calls it: a bare
name (`optim = "adamw"`), or a table with settings (`optim = {kind = "adamw", lr = 0.001}`); on the command line
`--set optim=adamw --set optim.lr=0.001`.
"""

FOUND = "A recipe does not name these; the program takes those that fit."

RECIPE = """\
# Recipe

Written by `make docs` from `planning/recipe.py`; do not edit. Every key may be left out. A recipe is a TOML file;
`--set key.sub=value` and the arguments of `tutelage.train` use the same keys. `auto` means: decide from the data, the budget
and the machine, and say why. Where a key takes a component, give its name, or a table with its settings; a table without
`kind` adjusts what auto chooses. All components and their settings are in [components.md](components.md).

```toml
source = "sklearn:digits"
optim = {kind = "adamw", lr = 0.001}

[budget]
time = "3m"
```
"""


def render_components() -> str:
    """Return the page of all components as Markdown."""
    return "\n".join([COMPONENTS, *(render_family(family) for family in catalog.families() if catalog.names(family))])


def render_family(family: str) -> str:
    """Return one family's heading, the table of its components, and the settings of each that has any."""
    kinds = catalog.names(family)
    rows = [f"| `{kind}` | {escape(catalog.describe(family, kind))} |" for kind in kinds]
    specs = [render_settings(kind, catalog.load(family, kind)) for kind in kinds]
    lead = [] if family in chosen_families() else [FOUND, ""]
    return "\n".join([f"## {family}", "", *lead, "| kind | what it is |", "|---|---|", *rows, "", *filter(None, specs)])


def chosen_families() -> set[str]:
    """Return the families whose components a recipe may name."""
    found = {family for field in Recipe.model_fields.values() for family in families_in(field.annotation, field.metadata)}
    specs = [catalog.load(family, kind) for family in found for kind in catalog.names(family)]
    return found | {
        name for spec in specs for field in spec.model_fields.values() for name in families_in(field.annotation, field.metadata)
    }


def families_in(annotation: Any, metadata: Any) -> set[str]:
    """Return the families that are marked on a type or inside it."""
    inner = [families_in(item, getattr(item, "__metadata__", ())) for item in get_args(annotation)]
    return {family_in(metadata)}.union(*inner) - {""}


def render_settings(kind: str, component: type[Any]) -> str:
    """Return the table of a component's settings; "" where it has none."""
    fields = settings_of(component)
    return "\n".join([f"### `{kind}`", "", *table(fields, prefix=""), ""]) if fields else ""


def settings_of(component: type[Any]) -> dict[str, FieldInfo]:
    """Return what can be set of a component; some families are plain classes without any."""
    fields: dict[str, FieldInfo] = getattr(component, "model_fields", {})
    return {name: field for name, field in fields.items() if name != "kind"}


def render_recipe() -> str:
    """Return the page of all keys of a recipe as Markdown."""
    own = {name: field for name, field in Recipe.model_fields.items() if nested(field) is None}
    tables = [(name, spec) for name, field in Recipe.model_fields.items() if (spec := nested(field)) is not None]
    return "\n".join([RECIPE, *table(own, prefix=""), "", *(render_table(name, spec) for name, spec in tables)])


def render_table(name: str, spec: type[Spec]) -> str:
    """Return the keys of one table of a recipe."""
    first = (spec.__doc__ or "").split("\n")[0]
    return "\n".join([f"## [{name}]", "", first, "", *table(spec.model_fields, prefix=f"{name}."), ""])


def table(fields: dict[str, FieldInfo], *, prefix: str) -> list[str]:
    """Return one line for each setting: name, type, default, range, description."""
    head = ["| name | type | default | range | what it is |", "|---|---|---|---|---|"]
    return head + [
        f"| `{prefix}{name}` | {escape(say_type(field))} | {escape(say_default(field))} | {escape(say_range(field))} "
        f"| {escape(field.description or '')} |"
        for name, field in fields.items()
    ]


def nested(field: FieldInfo) -> type[Spec] | None:
    """Return the spec of a key that is a table of further keys."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Spec) and not issubclass(kind, Component) else None


def say_type(field: FieldInfo) -> str:
    """Say what a setting takes."""
    family = family_in(field.metadata)
    text = say_family(family) if family else say_annotation(field.annotation)
    return f"`auto` or {text}" if field.default == "auto" and "`auto`" not in text else text


def say_family(family: str) -> str:
    """Link to the components that a setting takes."""
    return f"[{family}](components.md#{family})"


def say_annotation(annotation: Any) -> str:
    """Say a type in words."""
    family = family_in(getattr(annotation, "__metadata__", ()))
    if family:
        return say_family(family)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(say_annotation(item) for item in arguments))
    if origin in (tuple, list):
        inner = [say_annotation(item) for item in arguments if item is not Ellipsis]
        return f"list of {inner[0]}" if Ellipsis in arguments or origin is list else f"[{', '.join(inner)}]"
    if origin is dict:
        return f"table of {say_annotation(arguments[1])}"
    if hasattr(annotation, "__metadata__"):
        return say_annotation(arguments[0])
    return WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)))


def family_in(metadata: Any) -> str:
    """Return the family that a marked type takes; "" where there is no mark."""
    return next((mark.name for mark in metadata if isinstance(mark, Family)), "")


def say_default(field: FieldInfo) -> str:
    """Write what holds where a setting is left out."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    return f"`{say_value(value)}`"


def say_value(value: Any) -> str:
    """Write a default as a recipe has it."""
    if isinstance(value, BaseModel):
        return str(getattr(value, "kind", type(value).__name__))
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return "[" + ", ".join(say_value(item) for item in value) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    return '""' if value == "" else str(value)


def say_range(field: FieldInfo) -> str:
    """Write the bounds of a number; "" where there are none."""
    marks = [*field.metadata, *(mark for item in get_args(field.annotation) for mark in getattr(item, "__metadata__", ()))]
    bounds = [f"{sign} {getattr(mark, name):g}" for kind, name, sign in SIGNS for mark in marks if isinstance(mark, kind)]
    return ", ".join(dict.fromkeys(bounds))


def escape(text: str) -> str:
    """Return text that stays inside one table cell."""
    return text.replace("|", "\\|").replace("\n", " ")


PAGES = {"components.md": render_components, "recipe.md": render_recipe}


def main(arguments: list[str]) -> int:
    """Write all pages, or with `--check` only compare them; return the exit status, 2 for words that are not understood."""
    if unknown := [word for word in arguments if word != "--check"]:
        print(f"{' '.join(unknown)}: not understood. Say nothing, or --check to compare only.", file=sys.stderr)
        return 2
    old = []
    for name, render in PAGES.items():
        path, text = FOLDER / name, render()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        old.append(name)
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
    if "--check" in arguments and old:
        print(f"{', '.join(old)}: not what the code says; run make docs")
        return 1
    print(f"{', '.join(PAGES)}: up to date" + (f" ({', '.join(old)} written anew)" if old else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
