"""What happened on the way: resumes, corrections of the plan, the restored weights, the end."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from tutelage.core import layout
from tutelage.report.blocks import first_of, fold, table
from tutelage.report.html import Html, tag
from tutelage.report.measure import label
from tutelage.report.number import say_number
from tutelage.report.record import RunRecord
from tutelage.report.sections.base import Section
from tutelage.report.value import as_number, as_text, as_whole

__all__ = ["Story"]

MAX_SHOWN = 1000


class Story(Section):
    """The rare events in order."""

    kind: Literal["story"] = "story"
    order: ClassVar[int] = 130

    def show(self, run: RunRecord) -> Html | None:
        """Return the events that are told nowhere else, or None."""
        told = set(run.data.notes)
        lines = [(event, _say(event)) for event in run.events]
        rows = [[_when(event), _step(event), text] for event, text in lines if text and text not in told]
        if not rows:
            return None
        content = table(["time", "step", "event"], rows[:MAX_SHOWN], class_="compact")
        rest = first_of(MAX_SHOWN, len(rows), file=layout.EVENTS)
        return tag("section", fold("What happened on the way", content, rest), id=self.anchor)


def _say(event: Mapping[str, Any]) -> str:
    """Say one event in words; "" for those told elsewhere."""
    reason = as_text(event.get("reason"))
    match event.get("event"):
        case "Started":
            return "Training began."
        case "Noted":
            return as_text(event.get("message"))
        case "Corrected":
            return f"The plan was corrected to {as_text(event.get('total_steps'))} steps: {reason}"
        case "Resumed":
            return "Training went on from a checkpoint" + (", bit for bit." if event.get("exact") else f": {reason}")
        case "Restored":
            score = as_number(event.get("score"))
            number = "unknown" if score is None else say_number(score)
            return f"The best weights were put back ({label(as_text(event.get('metric')))} {number})."
        case "Finished":
            return f"Training ended: {as_text(event.get('stopped'))}."
        case _:
            return ""


def _step(event: Mapping[str, Any]) -> str:
    step = as_whole(event.get("step"))
    return "" if step is None else f"{step:,}"


def _when(event: Mapping[str, Any]) -> str:
    seconds = as_number(event.get("seconds"))
    if seconds is None:
        return ""
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes}:{second:02d}"
