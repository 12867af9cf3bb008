"""Values of a record from outside, each of the type that its reader needs: a file may hold anything under a known key."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from tutelage.core.border import BorderError

__all__ = ["Finite", "Positive", "Size", "take"]

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Size = Annotated[int, Field(gt=0, le=2**31)]


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
        issue = error.errors(include_url=False)[0]
        place = ".".join([key, *(str(part) for part in issue["loc"])])
        raise BorderError(f"{place} = {issue['input']!r:.60}: {issue['msg']}") from error


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    """Return what checks values of a type."""
    return TypeAdapter(kind)
