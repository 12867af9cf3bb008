"""How to do it again: the command and the recipe."""

from typing import ClassVar, Literal

from tutelage.report.blocks import fold, section
from tutelage.report.html import Html, tag
from tutelage.report.record import RunRecord
from tutelage.report.sections.base import Section

__all__ = ["Repeat"]


class Repeat(Section):
    """The command that repeats the run, and its recipe."""

    kind: Literal["repeat"] = "repeat"
    order: ClassVar[int] = 120
    menu: ClassVar[str] = "Do it again"

    def show(self, run: RunRecord) -> Html | None:
        """Return the command and the recipe, or None where neither is known."""
        command = run.result.command
        if not command and not run.recipe:
            return None
        return section(
            "Do it again",
            tag("pre", tag("code", command), class_="command") if command else None,
            fold("The recipe of this run", tag("pre", tag("code", run.recipe))) if run.recipe else None,
            anchor=self.anchor,
            lead="This command trains the same model on the same data." if command else "",
        )
