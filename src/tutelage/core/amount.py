"""How much training, and how much data: a number always with its unit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tutelage.core.errors import UsageError

__all__ = ["LARGEST_WHOLE", "Amount", "parse_count", "parse_seconds", "say_seconds", "say_sizes"]

LARGEST_WHOLE = 1e10
"""From here on a number is written with its power of ten: nobody counts more digits."""
COLUMN_MEANT = " To name the column of a table that holds times: --time-column (in Python time_column)."
"""Told where the name of something stands in place of a time."""
SECONDS_PER = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of training.

    Attributes:
        value: How many; more than 0.
        unit: Of what.
    """

    value: float
    unit: Literal["epochs", "steps", "seconds"]

    def __str__(self) -> str:
        return say_seconds(self.value) if self.unit == "seconds" else f"{self.value:g} {self.unit}"


def parse_count(text: str) -> int:
    """Read a whole number such as `5000`, `20k`, `1.5M`.

    Raises:
        UsageError: It is not one, or not more than 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([km]?)", text.strip().lower().replace(",", "").replace("_", ""))
    count = float(found[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[found[2]] if found else 0.0
    if not 1 <= count <= 1e12 or count != int(count):
        raise UsageError(f"{text!r} cannot be read. Expected a whole number > 0, such as 5000, 20k, 1M.")
    return int(count)


def parse_seconds(text: str) -> float:
    """Read a time such as `90`, `90s`, `3m`, `1h30m` as seconds.

    Raises:
        UsageError: It is not a time, or not more than 0.
    """
    cleaned = text.strip().lower().replace(" ", "")
    if re.fullmatch(r"\d+(\.\d+)?", cleaned):
        total = float(cleaned)
    else:
        parts = re.findall(r"(\d+(?:\.\d+)?)(min|sec|s|m|h|d)", cleaned)
        if not parts or "".join(number + unit for number, unit in parts) != cleaned:
            hint = "" if cleaned[:1].isdigit() else COLUMN_MEANT
            raise UsageError(f"time {text!r} cannot be read. Expected a number with a unit, such as 90s, 3m, 1h30m.{hint}")
        total = sum(float(number) * SECONDS_PER[unit] for number, unit in parts)
    if total <= 0:
        raise UsageError(f"time {text!r} must be more than 0. Typical: 1m to 1h.")
    return total


def say_seconds(seconds: float) -> str:
    """Write seconds for people, such as `41 s`, `3 min 20 s`, `2 h 05 min`.

    Example:
        >>> say_seconds(200), say_seconds(7500)
        ('3 min 20 s', '2 h 05 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def say_sizes(sizes: Mapping[str, int], unit: str) -> str:
    """Write how much data each part has; parts that have none are left out.

    Args:
        sizes: How many, by part.
        unit: Of what, in the plural.

    Example:
        >>> say_sizes({"train": 1294, "test": 359}, "rows"), say_sizes({"train": 1, "test": 0}, "environments")
        ('1,294 train, 359 test rows', '1 environment')
    """
    parts = {name: size for name, size in sizes.items() if size}
    said = [f"{size:,} {name}" if len(parts) > 1 else f"{size:,}" for name, size in parts.items()]
    is_one = list(parts.values())[-1:] == [1]
    return f"{', '.join(said) or 'no'} {unit.removesuffix('s') if is_one else unit}"
