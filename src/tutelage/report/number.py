"""Numbers as people read them."""

import math
from collections.abc import Sequence

from tutelage.core.amount import LARGEST_WHOLE

__all__ = ["quantile", "say_count", "say_fraction", "say_number", "say_percent", "say_tick"]

SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def say_number(value: float | str | None, *, digits: int = 4) -> str:
    """Write a number with about `digits` significant digits; `-` where there is none.

    Example:
        >>> say_number(0.93125), say_number(68420.7), say_number(3.0), say_number(1.2e-7)
        ('0.9313', '68,421', '3', '1.200e-07')
    """
    if value is None or isinstance(value, str):
        return "-" if value is None else value
    if not math.isfinite(value):
        return "not defined"
    if value == int(value) and abs(value) < LARGEST_WHOLE:
        return f"{int(value):,}"
    if abs(value) >= LARGEST_WHOLE:
        return f"{value:.{digits - 1}e}"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    if abs(value) < 1e-3:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(digits - 1 - math.floor(math.log10(abs(value))), 0)}f}" if abs(value) >= 1 else f"{value:.{digits}f}"


def say_percent(value: float | None, *, digits: int = 1) -> str:
    """Write a fraction of 1 as a percentage.

    Example:
        >>> say_percent(0.93125)
        '93.1 %'
    """
    if value is None or not math.isfinite(value):
        return "-"
    return f"{100 * value:.{digits}f} %" if abs(value) < LARGEST_WHOLE else f"{say_number(100 * value)} %"


def say_fraction(value: float) -> str:
    """Write a number that is at most 1 with three decimals; one far below as `say_number` does.

    Example:
        >>> say_fraction(0.52131), say_fraction(-0.0001)
        ('0.521', '0.000')
    """
    # Adding zero turns minus zero into zero.
    return f"{round(value, 3) + 0.0:.3f}" if abs(value) < LARGEST_WHOLE else say_number(value)


def say_count(value: int, noun: str) -> str:
    """Write a count with its noun.

    Example:
        >>> say_count(1, "row"), say_count(2500, "row"), say_count(3, "class")
        ('1 row', '2,500 rows', '3 classes')
    """
    plural = noun + ("es" if noun.endswith(("s", "x", "ch")) else "s")
    return f"{value:,} {noun if value == 1 else plural}"


def say_tick(value: float, *, step: float) -> str:
    """Write an axis label; all labels of one axis share their `step`, hence their decimals.

    Example:
        >>> say_tick(0.4, step=0.2), say_tick(250000, step=50000), say_tick(1500000, step=500000)
        ('0.4', '250k', '1.5M')
    """
    if value and abs(value) < 1e-3:
        return f"{value:.1g}".replace("e-0", "e-")
    if abs(value) >= 1000 * SUFFIXES[0][0]:
        return f"{value:.3g}"
    for size, suffix in SUFFIXES:
        if abs(value) >= size and abs(value) >= 10_000:
            return f"{value / size:.{_decimals(step / size)}f}{suffix}"
    if abs(value) >= 1000 and step >= 1:
        return f"{value:,.0f}"
    return f"{value:.{_decimals(step)}f}"


def quantile(values: Sequence[float], fraction: float) -> float:
    """Return the value below which a fraction of the values lies; NaN where there are none."""
    ordered = sorted(values)
    return ordered[min(int(fraction * len(ordered)), len(ordered) - 1)] if ordered else math.nan


def _decimals(step: float) -> int:
    """Return how many decimals tell two ticks apart."""
    return max(-math.floor(math.log10(step) + 1e-9), 0) if step > 0 else 0
