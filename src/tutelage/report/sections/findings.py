"""What the checks found wrong with the data, and what to do about it."""

from typing import ClassVar, Literal

from tutelage.core import layout
from tutelage.report.blocks import first_of, section, table
from tutelage.report.html import Child, Html, join, tag
from tutelage.report.record import Count, Record, RunRecord, Text
from tutelage.report.sections.base import Section

__all__ = ["Findings"]

MAX_SHOWN = 200
MAX_EXAMPLES = 5
LEAD = (
    "The data were looked through before training. None of this stopped it, but each may cost quality, or make scores too good."
)


class Finding(Record):
    """One possible fault of the data.

    Attributes:
        check: Which check found it.
        where: Part, file or column.
        found: What is wrong.
        remedy: What to do.
        count: Rows concerned, where they can be counted.
        examples: A few of them, named as the user knows them.
        severity: `warning`, or `note` for what matters less.
    """

    check: Text = ""
    where: Text = ""
    found: Text = ""
    remedy: Text = ""
    count: Count | None = None
    examples: tuple[Text, ...] = ()
    severity: Text = "warning"


class Found(Record):
    """Its slice of data.json."""

    findings: tuple[Finding, ...] = ()


class Findings(Section):
    """A table of the possible faults of the data, what weighs most first."""

    kind: Literal["findings"] = "findings"
    order: ClassVar[int] = 110
    menu: ClassVar[str] = "Findings"

    def show(self, run: RunRecord) -> Html | None:
        """Return the table, or None where nothing was found."""
        findings = sorted(run.read(Found, layout.DATA).findings, key=lambda finding: finding.severity == "note")
        if not findings:
            return None
        headers = ["check", "where", "what was found", "rows", "what to do"]
        content = table(headers, [_row(item) for item in findings[:MAX_SHOWN]], numeric=(3,), class_="compact")
        rest = first_of(MAX_SHOWN, len(findings), file=layout.DATA)
        return section("Findings about the data", content, rest, anchor=self.anchor, lead=LEAD)


def _row(finding: Finding) -> list[Child]:
    """Return the cells of one finding."""
    examples = ", ".join(finding.examples[:MAX_EXAMPLES])
    more = ", ..." if len(finding.examples) > MAX_EXAMPLES else ""
    return [
        join(finding.check.replace("_", " "), tag("small", finding.severity) if finding.severity == "note" else None),
        finding.where,
        join(finding.found, tag("small", f"such as {examples}{more}") if examples else None),
        "" if finding.count is None else f"{finding.count:,}",
        finding.remedy,
    ]
