"""What a metric is called and how its value is written, for a terminal."""

from typing import Any

from tutelage.core import catalog

__all__ = ["is_metric", "say_metric", "say_name", "say_number"]


def is_metric(key: str) -> bool:
    """Tell whether a key such as `train/mean_return` ends in the name of a metric."""
    return _name(key) in catalog.names("metric")


def say_name(key: str) -> str:
    """Return what a metric is called, without its part of the data: `refined loss` for `val/refined_loss`."""
    return str(_ask(key, "title", "") or _name(key).replace("_", " "))


def say_metric(key: str, value: float) -> str:
    """Write a metric with four significant digits, in the form in which it is usually read: `98.61 %` for `val/accuracy`."""
    if _ask(key, "form", "number") == "percent" and abs(value) < float("inf"):
        return f"{100 * value:.2f} %"
    return say_number(value)


def say_number(value: float) -> str:
    """Write a number with four significant digits, such as `0.9312`, `68,420`, `1.2e-05`."""
    if value != value or abs(value) == float("inf"):
        return "not finite"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value and abs(value) < 0.001:
        return f"{value:.2e}"
    return f"{value:#.4g}".removesuffix(".")


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _ask(key: str, attribute: str, default: str) -> Any:
    """Return what the class of a metric says of itself; metrics of one's own have no class here."""
    return getattr(catalog.load("metric", _name(key)), attribute, default) if is_metric(key) else default
