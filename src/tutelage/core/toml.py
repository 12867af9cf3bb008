"""Writing nested settings as TOML (Python reads TOML but does not write it)."""

import json
from collections.abc import Mapping

__all__ = ["to_toml"]


def to_toml(values: Mapping[str, object], *, prefix: str = "") -> str:
    """Return TOML text of nested tables of texts, numbers, truth values and lists; None is left out.

    Example:
        >>> print(to_toml({"seed": 0, "optim": {"kind": "adamw", "lr": 0.001}}))
        seed = 0
        <BLANKLINE>
        [optim]
        kind = "adamw"
        lr = 0.001
        <BLANKLINE>
    """
    lines = [
        f"{_key(key)} = {_value(value)}" for key, value in values.items() if not isinstance(value, Mapping) and value is not None
    ]
    text = "\n".join(lines) + "\n" if lines else ""
    for key, value in values.items():
        if isinstance(value, Mapping):
            name = prefix + _key(key)
            text += f"\n[{name}]\n" + to_toml(value, prefix=name + ".")
    return text


def _key(key: str) -> str:
    """Return a key, quoted where it has to be."""
    return (
        key
        if key.replace("_", "").replace("-", "").isascii() and key.replace("_", "").replace("-", "").isalnum()
        else json.dumps(key)
    )


def _value(value: object) -> str:
    """Return a value; JSON's texts, numbers and truth values are also TOML's."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
