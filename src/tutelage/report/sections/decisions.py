"""Everything that was decided for this run, and why."""

from typing import ClassVar, Literal

from tutelage.core import layout
from tutelage.report.blocks import first_of, section, table
from tutelage.report.html import Child, Html, tag
from tutelage.report.record import Record, RunRecord, Text
from tutelage.report.sections.base import Section

__all__ = ["Decisions"]

LEAD = (
    "What you did not set was chosen from the data, the budget and the machine. "
    "What auto decided can be said by hand in a recipe or with --set, under the same keys."
)
MAX_SHOWN = 500


class Choice(Record):
    """One decided setting, from plan.json or from an event."""

    key: Text = ""
    value: Text = ""
    reason: Text = ""


class Choices(Record):
    """Its slice of plan.json."""

    decisions: tuple[Choice, ...] = ()


class Decisions(Section):
    """Each decided setting with its reason."""

    kind: Literal["decisions"] = "decisions"
    order: ClassVar[int] = 90
    menu: ClassVar[str] = "Decisions"

    def show(self, run: RunRecord) -> Html | None:
        """Return the decisions of the plan, those of the events where there is no plan, or None."""
        choices = run.read(Choices, layout.PLAN).decisions or run.read_events(Choice, "Decided")
        if not choices:
            return None
        rows: list[list[Child]] = [[tag("code", item.key), item.value, item.reason] for item in choices[:MAX_SHOWN]]
        content = table(["setting", "value", "why"], rows, class_="decisions")
        rest = first_of(MAX_SHOWN, len(choices), file=layout.PLAN)
        return section("Decisions", content, rest, anchor=self.anchor, lead=LEAD)
