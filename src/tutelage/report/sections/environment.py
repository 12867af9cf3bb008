"""The machine and the versions that the numbers were made with."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from tutelage.core import layout
from tutelage.report.blocks import fold, table
from tutelage.report.html import Html, tag
from tutelage.report.number import say_number
from tutelage.report.record import RunRecord
from tutelage.report.sections.base import Section
from tutelage.report.value import as_text

__all__ = ["Environment"]

MAX_DEPTH = 4
MAX_SHOWN = 500


class Environment(Section):
    """Everything in env.json, as a table."""

    kind: Literal["environment"] = "environment"
    order: ClassVar[int] = 140

    def show(self, run: RunRecord) -> Html | None:
        """Return the table, or None where nothing is known."""
        rows = _flat(run.files[layout.ENV], prefix="")[:MAX_SHOWN]
        if not rows:
            return None
        return tag("section", fold("Environment", table(["what", "value"], rows, class_="compact")), id=self.anchor)


def _flat(values: Mapping[str, Any], *, prefix: str, depth: int = MAX_DEPTH) -> list[tuple[str, str]]:
    """Return nested values as lines with dotted names."""
    lines: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, dict) and depth:
            lines += _flat(value, prefix=f"{prefix}{key}.", depth=depth - 1)
        elif isinstance(value, bool):
            lines.append((name, "yes" if value else "no"))
        elif value is None:
            lines.append((name, "none"))
        else:
            lines.append((name, say_number(value) if isinstance(value, float) else as_text(value)))
    return lines
