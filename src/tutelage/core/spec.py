"""Typed, frozen settings: what a recipe may say, checked with the path of the offending key.

A component's settings and its factory are one class: `AdamW(lr=1e-3).build(parameters)`. A field typed `Pick["optim"]`
takes a name (`"adamw"`), a table (`{"kind": "adamw", "lr": 1e-3}`) or an instance.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic.fields import FieldInfo

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.core.outlet import one_line

__all__ = ["Auto", "Component", "Pick", "Spec", "Wish", "grant", "parse"]

Auto = Literal["auto"]
"""The word a recipe uses for "decide for me and tell me why"."""


class Spec(BaseModel):
    """Settings that cannot change once made and refuse keys they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    renamed: ClassVar[dict[str, str]] = {}
    """Keys that were called otherwise in the last release: old name -> name of today."""

    @model_validator(mode="before")
    @classmethod
    def _take_old_names(cls, values: Any) -> Any:
        """Accept keys under their old names for this release, with a warning."""
        old = [key for key in cls.renamed if isinstance(values, Mapping) and key in values and cls.renamed[key] not in values]
        for key in old:
            message = f"the key {key!r} is now called {cls.renamed[key]!r}; the old name is accepted for this release"
            warnings.warn(message, FutureWarning, stacklevel=2)
        return {cls.renamed.get(key, key): value for key, value in values.items()} if old else values

    def but(self, **changes: object) -> Self:
        """Return a checked copy with some fields changed."""
        return type(self).model_validate({**dict(self), **changes})


class Component(Spec):
    """A named, buildable part; `kind` is its file name and `family` says which kind of part it is.

    Each component file defines one subclass, first in its `__all__`, with `kind: Literal["file_name"] = "file_name"`.
    """

    family: ClassVar[str]

    @model_serializer(mode="wrap")
    def _with_kind(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write the settings; `kind` always stays, also where defaults are left out: without it they name nothing."""
        values: dict[str, Any] = write(self)
        kind = getattr(self, "kind", "")
        return {"kind": kind, **values} if kind else values


@dataclass(frozen=True, slots=True)
class Family:
    """Marks a field that takes components of a family, so that messages can name their keys."""

    name: str


def Pick(family: str) -> Any:  # noqa: N802 - reads as a type in annotations
    """Return the field type that takes a name, a table or an instance of a family's component."""
    return Annotated[SerializeAsAny[Component], BeforeValidator(lambda value: _pick(family, value)), Family(family)]


def Wish(family: str) -> Any:  # noqa: N802 - reads as a type in annotations
    """Return the field type of a recipe's wish: `auto`, a component, or a table without `kind` that adjusts auto's choice."""
    return Annotated[Any, BeforeValidator(lambda value: _wish(family, value)), Family(family)]


def grant(wish: object, default: Component) -> Component:
    """Turn a wish into a component.

    Args:
        wish: What a field typed `Wish` holds.
        default: What `auto` stands for.

    Raises:
        RecipeError: The wish adjusts a setting that the default does not have, or to a value out of range.
    """
    if isinstance(wish, Component):
        return wish
    if isinstance(wish, Mapping):
        where = f"recipe ({default.family} = {getattr(default, 'kind', '?')!r}, chosen by auto)"
        component: Component = parse(type(default), {**dict(default), **wish}, where=where)
        return component
    return default


def parse(spec: type[Spec], values: Mapping[str, Any], *, where: str) -> Any:
    """Check values against a spec.

    Args:
        spec: What the values must fit.
        values: Nested keys and values, as read from a file or the command line.
        where: Name of their origin, used in messages, such as `recipe.toml`.

    Raises:
        RecipeError: All mistakes at once, each with the path of its key.
    """
    try:
        return spec.model_validate(values)
    except ValidationError as error:
        lines = [one_line(_line(spec, issue, values=values, where=where)) for issue in _told(error.errors())]
        raise RecipeError("\n".join(lines)) from error


def _pick(family: str, value: object) -> object:
    """Turn a name or a table into a component; pass everything else on to pydantic."""
    if isinstance(value, Component):
        if value.family != family:
            raise ValueError(f"a {value.family} component ({value!r}) cannot stand where a {family} is expected")
        return value
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
        raise ValueError(f"expected the name of a {family} or a table with a `kind`; known: {', '.join(catalog.names(family))}")
    try:
        component = catalog.load(family, value["kind"])
    except RecipeError as error:
        raise ValueError(str(error)) from error
    return component.model_validate(dict(value))


def _wish(family: str, value: object) -> object:
    """Let `auto` and partial tables stand, and turn everything else into a component."""
    if value == "auto":
        return value
    if isinstance(value, Mapping) and "kind" not in value:
        known = sorted({key for kind in catalog.names(family) for key in catalog.load(family, kind).model_fields})
        unknown = [str(key) for key in value if key not in known]
        if unknown:
            raise ValueError("; ".join(f"no {family} has a setting {key!r}{catalog.suggest(key, known)}" for key in unknown))
        return value
    return _pick(family, value)


BRANCHES = ("function-", "literal[", "is-instance", "tuple[")
"""How pydantic calls the ways in which a field may be read; no part of a key."""


def _told(issues: Sequence[Any]) -> list[Any]:
    """Leave out that a value is not the word `auto` where something else is wrong with it too."""
    # A mistake of the whole, such as two settings that do not go together, has no place of its own.
    words = [issue for issue in issues if issue["loc"] and str(issue["loc"][-1]).startswith("literal[")]
    others = [_path(issue) for issue in issues if issue not in words]
    doubled = [issue for issue in words if any(path[: len(_path(issue))] == _path(issue) for path in others)]
    return [issue for issue in issues if issue not in doubled]


def _path(issue: Any) -> list[str]:
    """Return the keys that lead to a mistake."""
    return [str(part) for part in issue["loc"] if not str(part).startswith(BRANCHES)]


def _line(spec: type[Spec], issue: Any, *, values: object, where: str) -> str:
    """Write one mistake as a line: origin, key path, what was found, what was expected."""
    path = _path(issue)
    key = ".".join(path) or "(top)"
    if issue["type"] == "extra_forbidden":
        keys = list(_owner(spec, path[:-1], values).model_fields)
        return f"{where}: {key}: unknown key{catalog.suggest(path[-1], keys)} Known keys: {', '.join(keys)}."
    found = "" if isinstance(issue["input"], (dict, Spec)) else f" = {issue['input']!r}"
    said = (
        issue["msg"]
        .removeprefix("Value error, ")
        .replace("Input should be", "must be")
        .replace("a valid tuple", "a list")
        .rstrip(".")
    )
    known = _owner(spec, path[:-1], values).model_fields
    hint = f" ({known[path[-1]].description})" if path and path[-1] in known and known[path[-1]].description else ""
    return f"{where}: {key}{found}: {said}.{hint}"


def _owner(spec: type[Spec], path: list[str], values: object) -> type[BaseModel]:
    """Find the spec that a path of keys leads to, through nested specs and the components that `values` names."""
    current: type[BaseModel] = spec
    family = ""
    for part in path:
        field = current.model_fields.get(part)
        values = _entry(values, part)
        if field is not None:
            family = _family_of(field)
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                current = field.annotation
        if family and isinstance(values, Mapping) and values.get("kind") in catalog.names(family):
            current = catalog.load(family, values["kind"])
    return current


def _entry(values: object, part: str) -> object:
    """Return what stands under a key of a table or at a place of a list."""
    if isinstance(values, Mapping):
        return values.get(part)
    return values[int(part)] if isinstance(values, Sequence) and part.isdecimal() else None


def _family_of(field: FieldInfo) -> str:
    """Return the family whose components a field, or each entry of its list, takes; empty where it takes none."""
    return next((mark.name for mark in [*field.metadata, *_marks(field.annotation)] if isinstance(mark, Family)), "")


def _marks(annotation: object) -> list[object]:
    """Return the marks on a type and on those that it is made of, such as the entries of a list."""
    return [*getattr(annotation, "__metadata__", ()), *(mark for inner in get_args(annotation) for mark in _marks(inner))]
