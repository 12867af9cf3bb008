"""Values of a record from outside, each of the type that its reader needs: a file may hold anything under a known key."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from tutelage.core.border import BorderError
from tutelage.core.names import is_unicode, shorten

__all__ = ["Count", "Finite", "Positive", "Size", "Words", "first_mistake", "take"]

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=2**53, strict=True)]
"""Of steps, rows, or places among them: a float holds it too."""
Size = Annotated[int, Field(gt=0, le=2**31)]


def _require_unicode(text: str) -> str:
    """Refuse a text that no file of rows could hold."""
    if not is_unicode(text):
        raise ValueError("holds a part of a character, which no text has")
    return text


Words = list[Annotated[str, AfterValidator(_require_unicode)]]


def take(record: Mapping[str, Any], key: str, kind: Any) -> Any:
    """Return a value of a record.

    Args:
        record: JSON values.
        key: Which one.
        kind: Its type, as annotations say it; lists are `list`, not `tuple`.

    Raises:
        BorderError: It is missing, or of another type or range.
    """
    if key not in record:
        raise BorderError(f"there is no {key!r}")
    try:
        return _reader(kind).validate_python(record[key], strict=True)
    except ValidationError as error:
        raise BorderError(first_mistake(error, within=key)) from error


def first_mistake(error: ValidationError, *, within: str = "") -> str:
    """Say the first thing that pydantic found wrong: its key, the value found there, and what was expected.

    Args:
        error: What was raised.
        within: The key that the values stand under, such as `control`.
    """
    issue = error.errors(include_url=False, include_context=False)[0]
    keys = [within, *map(str, issue["loc"])] if within else [str(part) for part in issue["loc"]]
    return f"{'.'.join(keys) or '(top)'} = {shorten(issue['input'])}: {issue['msg']}"


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    """Return what checks values of a type."""
    return TypeAdapter(kind)
