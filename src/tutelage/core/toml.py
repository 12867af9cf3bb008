"""Writing nested settings as TOML (Python reads TOML but does not write it)."""

from collections.abc import Mapping

import tomli_w

__all__ = ["to_toml"]


def to_toml(values: Mapping[str, object]) -> str:
    """Return TOML text of nested tables and lists; None, which TOML has not, is left out: it is what a missing key means.

    Example:
        >>> print(to_toml({"seed": 0, "test": None, "optim": {"kind": "adamw", "lr": 0.001}}))
        seed = 0
        <BLANKLINE>
        [optim]
        kind = "adamw"
        lr = 0.001
        <BLANKLINE>
    """
    return tomli_w.dumps({key: _without_none(value) for key, value in values.items() if value is not None})


def _without_none(value: object) -> object:
    """Leave out None at any depth."""
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value if item is not None]
    return value
