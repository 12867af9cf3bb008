"""How to do it again: the command and the recipe."""

from tutelage.report.blocks import fold, section
from tutelage.report.facts import Facts
from tutelage.report.html import Html, tag

__all__ = ["show"]


def show(facts: Facts) -> Html | None:
    """Return the command that repeats the run and its recipe, or None."""
    command = facts.result.command if facts.result else ""
    if not command and not facts.recipe:
        return None
    return section(
        "Do it again",
        tag("pre", tag("code", command), class_="command") if command else None,
        fold("The recipe of this run", tag("pre", tag("code", facts.recipe))) if facts.recipe else None,
        anchor="repeat",
        lead="This command trains the same model on the same data." if command else "",
    )
