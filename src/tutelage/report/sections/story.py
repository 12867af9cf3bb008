"""What happened on the way: resumes, corrections of the plan, the restored weights, the end."""

from collections.abc import Mapping
from typing import Any

from tutelage.report.blocks import fold, table
from tutelage.report.facts import Facts
from tutelage.report.html import Html, tag
from tutelage.report.measure import label
from tutelage.report.number import say_number

__all__ = ["show"]


def show(facts: Facts) -> Html | None:
    """Return the rare events in order, or None."""
    told = set(facts.data.notes)
    lines = [(event, _say(event)) for event in facts.events if event.get("message") not in told]
    rows = [
        [_when(event), f"{event['step']:,}" if isinstance(event.get("step"), int) else "", text] for event, text in lines if text
    ]
    if not rows:
        return None
    return tag("section", fold("What happened on the way", table(["time", "step", "event"], rows, class_="compact")), id="story")


def _say(event: Mapping[str, Any]) -> str:
    """Say one event in words; "" for those told elsewhere."""
    match event.get("event"):
        case "Started":
            return "Training began."
        case "Noted":
            return str(event.get("message", ""))
        case "Corrected":
            return f"The plan was corrected to {event.get('total_steps')} steps: {event.get('reason', '')}"
        case "Resumed":
            return "Training went on from a checkpoint" + (
                ", bit for bit." if event.get("exact") else f": {event.get('reason', '')}"
            )
        case "Restored":
            score = event.get("score")
            number = say_number(score) if isinstance(score, int | float) else "unknown"
            return f"The best weights were put back ({label(str(event.get('metric', '')))} {number})."
        case "Finished":
            return f"Training ended: {event.get('stopped', '')}."
        case _:
            return ""


def _when(event: Mapping[str, Any]) -> str:
    seconds = event.get("seconds")
    if not isinstance(seconds, int | float):
        return ""
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes}:{second:02d}"
