"""What a metric is called and how its value is written, for a terminal."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tutelage.core.amount import LARGEST_WHOLE

__all__ = ["Scores", "say_number", "say_decimals"]


@dataclass(frozen=True, slots=True)
class Scores:
    """Writes metrics as they say of themselves that they are written.

    Attributes:
        titles: What each metric is called, by its kind; others are called by their kind.
        forms: `percent` for those that are read so, by their kind; others are numbers.
    """

    titles: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)

    def name(self, key: str) -> str:
        """Return what a metric is called, without its part of the data: `refined loss` for `val/refined_loss`."""
        kind = _kind(key)
        return self.titles.get(kind) or kind.replace("_", " ")

    def value(self, key: str, value: float) -> str:
        """Write a metric with four significant digits, in its form: `98.61 %` for an accuracy."""
        if self.forms.get(_kind(key)) == "percent" and abs(value) < float("inf"):
            return f"{100 * value:.2f} %" if abs(value) < LARGEST_WHOLE else f"{say_number(100 * value)} %"
        return say_number(value)

    def say(self, key: str, value: float) -> str:
        """Write a metric with its name: `accuracy 98.61 %`."""
        return f"{self.name(key)} {self.value(key, value)}"


def say_number(value: float) -> str:
    """Write a number with four significant digits, such as `0.9312`, `68,420`, `1.20e-05`, `2.251e+40`."""
    if value != value or abs(value) == float("inf"):
        return "not finite"
    if abs(value) >= LARGEST_WHOLE:
        return f"{value:.3e}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value and abs(value) < 0.001:
        return f"{value:.2e}"
    return f"{value:#.4g}".removesuffix(".")


def say_decimals(value: float) -> str:
    """Write a number with four decimals, such as `0.9312`; a large one as `say_number` does."""
    return f"{value:.4f}" if abs(value) < LARGEST_WHOLE else say_number(value)


def _kind(key: str) -> str:
    return key.rpartition("/")[2]
