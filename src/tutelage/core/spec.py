"""Typed, frozen settings: what a recipe may say, checked with the path of the offending key.

A component's settings and its factory are one class: `AdamW(lr=1e-3).build(parameters)`. A field typed `Pick["optim"]`
takes a name (`"adamw"`), a table (`{"kind": "adamw", "lr": 1e-3}`) or an instance.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import NoneType
from typing import Annotated, Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.fields import FieldInfo

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.core.names import from_address, shorten, to_address, with_article
from tutelage.core.outlet import one_line

__all__ = ["Auto", "Component", "Location", "Pick", "Spec", "Wish", "grant", "parse"]

Auto = Literal["auto"]
"""The word a recipe uses for "decide for me and tell me why"."""
PLAIN_TYPES = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", NoneType: ""}
"""Types of single values, and how messages call them."""
LARGEST = 2**63 - 1
"""Whole numbers beyond this fit no tensor, no file and no counter."""
BRANCHES = ("function-", "literal[", "is-instance", "tuple[", "constrained-")
"""How pydantic calls the ways in which a field may be read; no part of a key."""
MOST_OF_PATH = 32_767
"""Longest path of any system."""
RANGES = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
"""How pydantic calls that a number is out of range."""


class Spec(BaseModel):
    """Settings that cannot change once made and refuse keys they do not know; all their numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False)
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

    @field_validator("*", mode="before", check_fields=False)
    @classmethod
    def _refuse_lookalikes(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what pydantic would turn into a number: `true` is no 1, and a text is no number, even one of digits."""
        annotation: Any = cls.model_fields[info.field_name].annotation if info.field_name in cls.model_fields else Any
        kinds = _plain_kinds(annotation)
        for leaf in _leaves(value) if kinds else ():
            is_no_word = isinstance(leaf, str) and kinds & {int, float} and not _takes_text(annotation, leaf)
            if is_no_word or (isinstance(leaf, bool) and bool not in kinds):
                raise ValueError(f"must be {' or '.join(dict.fromkeys(_words(annotation)))}, not {_short(leaf)}")
            is_whole = isinstance(leaf, int) or float not in kinds
            if isinstance(leaf, int | float) and is_whole and abs(leaf) > LARGEST and not _takes_text(annotation, ""):
                raise ValueError(f"must be at most {LARGEST:,}, as whole numbers go")
        return value

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


def _read_location(value: object) -> str:
    """Take a text that may name a place on the disk: any file name, also one that is no Unicode, but no NUL."""
    if not isinstance(value, str):
        raise ValueError("must be a text, such as the path of a folder")
    text = from_address(value)
    if len(text) > MOST_OF_PATH:
        raise ValueError(f"has {len(text):,} characters, more than the {MOST_OF_PATH:,} of any path")
    if "\0" in text:
        raise ValueError("holds a NUL character, which no path can")
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise ValueError("is not the path of any file: it holds a part of a character") from error
    return text


Location = Annotated[str, PlainValidator(_read_location), PlainSerializer(to_address, when_used="json")]
"""The field type of a path or the name of a source; in files a path that is no Unicode is written as a `file:` address."""


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
            raise ValueError(
                f"{with_article(value.family)} component ({value!r}) cannot stand where {with_article(family)} is expected"
            )
        return value
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
        raise ValueError(
            f"expected the name of {with_article(family)} or a table with a `kind`; known: {', '.join(catalog.names(family))}"
        )
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


@cache
def _plain_kinds(annotation: Any) -> frozenset[type]:
    """Return the types of single values that a field takes, those within lists too; none where it takes other things."""
    kinds = frozenset(type(value) if is_word else value for value, is_word in _parts(annotation))
    return kinds if kinds <= set(PLAIN_TYPES) else frozenset()


def _takes_text(annotation: Any, text: str) -> bool:
    """Tell whether a field takes any text, or this one."""
    return any(part in ((str, False), (text, True)) for part in _parts(annotation))


def _words(annotation: Any) -> Iterator[str]:
    """Name what a field takes."""
    yield from (repr(value) if is_word else PLAIN_TYPES.get(value, "") for value, is_word in _parts(annotation))


def _parts(annotation: Any) -> Iterator[tuple[Any, bool]]:
    """Yield the types that an annotation is made of, of a table those of its values, and the words that it allows (True)."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        yield from ((value, True) for value in inner)
    elif inner:
        taken = inner[:1] if origin is Annotated else inner[1:] if origin is dict else inner
        yield from (part for each in taken if each is not Ellipsis for part in _parts(each))
    else:
        yield annotation, False


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the single values of nested lists and tables."""
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple):
        yield value
        return
    for item in value:
        yield from _leaves(item)


def _short(value: object) -> str:
    """Write a value as TOML has it, cut where it is long."""
    return str(value).lower() if isinstance(value, bool) else shorten(value)


def _told(issues: Sequence[Any]) -> list[Any]:
    """Leave out that a value is not the word `auto` where something else is wrong with it too."""
    # A mistake of the whole, such as two settings that do not go together, has no place of its own.
    words = [issue for issue in issues if issue["loc"] and str(issue["loc"][-1]).startswith("literal[")]
    others = [_path(issue) for issue in issues if issue not in words]
    doubled = [issue for issue in words if any(path[: len(_path(issue))] == _path(issue) for path in others)]
    # Of a value out of range, that it could also have been a list says nothing.
    out_of_range = [_path(issue) for issue in issues if issue["type"] in RANGES]
    doubled += [issue for issue in issues if issue["type"] == "tuple_type" and _path(issue) in out_of_range]
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
    found = "" if isinstance(issue["input"], (dict, Spec)) else f" = {_short(issue['input'])}"
    said = (
        issue["msg"]
        .removeprefix("Value error, ")
        .replace("Input should be", "must be")
        .replace("a valid tuple", "a list")
        .replace("a valid integer", "a whole number")
        .replace("a valid dictionary or instance of", "a table of settings, see")
        .replace("a valid dictionary", "a table")
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
    if not isinstance(values, list | tuple) or not (part.isascii() and part.isdecimal() and len(part) < 10):
        return None
    return values[int(part)] if int(part) < len(values) else None


def _family_of(field: FieldInfo) -> str:
    """Return the family whose components a field, or each entry of its list, takes; empty where it takes none."""
    return next((mark.name for mark in [*field.metadata, *_marks(field.annotation)] if isinstance(mark, Family)), "")


def _marks(annotation: object) -> list[object]:
    """Return the marks on a type and on those that it is made of, such as the entries of a list."""
    return [*getattr(annotation, "__metadata__", ()), *(mark for inner in get_args(annotation) for mark in _marks(inner))]
