"""Values as JSON has them: numbers that are not finite, which it does not have, become null."""

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["json_values"]


def json_values(value: Any) -> Any:
    """Return nested values as JSON has them; numbers that are not finite become None, anything unknown its text.

    Example:
        >>> json_values({"a": (1.0, float("nan"))})
        {'a': [1.0, None]}
    """
    if hasattr(value, "item") and not isinstance(value, float):
        value = value.item()
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): json_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(item) for item in value]
    return str(value)
