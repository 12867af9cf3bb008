"""The machine and the versions that the numbers were made with."""

from collections.abc import Mapping
from typing import Any

from tutelage.report.blocks import fold, table
from tutelage.report.facts import Facts
from tutelage.report.html import Html, tag
from tutelage.report.number import say_number

__all__ = ["show"]


def show(facts: Facts) -> Html | None:
    """Return a table of everything in env.json, or None."""
    rows = [[name, value] for name, value in _flat(facts.environment, prefix="")]
    if not rows:
        return None
    return tag("section", fold("Environment", table(["what", "value"], rows, class_="compact")), id="environment")


def _flat(values: Mapping[str, Any], *, prefix: str) -> list[tuple[str, str]]:
    """Return nested values as lines with dotted names."""
    lines: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, dict):
            lines += _flat(value, prefix=f"{prefix}{key}.")
        elif isinstance(value, list):
            lines.append((name, ", ".join(str(item) for item in value)))
        elif isinstance(value, float):
            lines.append((name, say_number(value)))
        else:
            lines.append((name, "yes" if value is True else "no" if value is False else str(value)))
    return lines
