"""Everything that was decided for this run, and why."""

from tutelage.report.blocks import section, table
from tutelage.report.facts import Decision, Facts
from tutelage.report.html import Child, Html, tag

__all__ = ["show"]

LEAD = (
    "What you did not set was chosen from the data, the budget and the machine. "
    "What auto decided can be said by hand in a recipe or with --set, under the same keys."
)


def show(facts: Facts) -> Html | None:
    """Return the decisions of the plan, those of the events where there is no plan, or None."""
    decisions = facts.plan.decisions or tuple(
        Decision.model_validate(event) for event in facts.events if event.get("event") == "Decided"
    )
    if not decisions:
        return None
    rows: list[list[Child]] = [[tag("code", item.key), item.value, item.reason] for item in decisions]
    return section("Decisions", table(["setting", "value", "why"], rows, class_="decisions"), anchor="decisions", lead=LEAD)
