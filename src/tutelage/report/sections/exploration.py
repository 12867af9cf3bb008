"""How an agent learned by acting: return by environment steps, and how trying new things gave way to using what was known."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from tutelage.report.blocks import fact, figure, section
from tutelage.report.charts.line import Series, line_chart
from tutelage.report.html import Html, tag
from tutelage.report.number import say_number
from tutelage.report.record import Number, Record, RunRecord
from tutelage.report.sections.base import Section
from tutelage.report.value import as_number

__all__ = ["Exploration"]

LEAD = (
    "An agent has to try what it does not know (exploration) and to use what it knows (exploitation). At first nearly everything "
    "is tried; what turns out well is then done more and more often. Too little exploration, and a better way is never found: "
    "the return stays flat while few new states are seen. Too much, and what is known is not used: the return in training stays "
    "below that of the evaluations."
)
STEPS, TRAIN = "train/env_steps", "train/"
RETURNS = {"train/return": "while exploring", "val/return": "evaluation, best actions"}
SIGNS = {
    "epsilon": ("Random actions", "share", "The share of actions drawn by chance: falls from 1, then stays."),
    "entropy": ("Entropy of the policy", "nats", "How undecided the policy is: falls as it makes up its mind; 0 is certain."),
    "temperature": (
        "Temperature",
        "weight",
        "What a nat of randomness is worth in reward; led so that the entropy meets its target.",
    ),
    "visited_cells": ("States seen", "cells", "Cells of the space of observations that were visited; flat means nothing new."),
    "kl": ("Step of the policy", "KL", "How far the policy moves from the one that collected; above 0.1 it changes too fast."),
}

Points = list[tuple[float, float]]


class Acted(Record):
    """Its slice of result.json."""

    env_steps: Number = None
    env_steps_per_second: Number = None


class Exploration(Section):
    """Return by environment steps, and the signs of exploration."""

    kind: Literal["exploration"] = "exploration"
    order: ClassVar[int] = 32
    menu: ClassVar[str] = "Exploration"

    def show(self, run: RunRecord) -> Html | None:
        """Return the charts, or None where no agent acted."""
        lines = _lines(run)
        returns = [Series(title, lines[key]) for key, title in RETURNS.items() if lines.get(key)]
        acted = run.read(Acted)
        if not returns and as_number(acted.env_steps) is None:
            return None
        charts = [
            figure(
                line_chart(returns, x_label="environment steps", y_label="return"),
                title="Return",
                caption="Both should rise. Evaluations play in environments of their own, always with the best action.",
            )
            for _ in returns[:1]
        ]
        for name, (title, unit, caption) in SIGNS.items():
            for key, points in lines.items():
                if key.startswith(TRAIN) and key.rpartition("/")[2] == name:
                    chart = line_chart([Series(title, points)], x_label="environment steps", y_label=unit)
                    charts.append(figure(chart, title=title, caption=caption))
        return section(
            "Exploration",
            tag("dl", _facts(lines, acted), class_="facts"),
            tag("div", charts, class_="charts") if charts else None,
            anchor=self.anchor,
            lead=LEAD,
        )


def _lines(run: RunRecord) -> dict[str, Points]:
    """Return what was measured by environment steps; evaluations stand at the steps of the log line before them."""
    lines: dict[str, Points] = {}
    place = None
    for point in run.points:
        values: Mapping[str, Any] = point
        told = as_number(values.get(STEPS))
        place = told if told is not None else place
        if place is None:
            continue
        for key, value in values.items():
            number = as_number(value)
            if number is not None and "/" in str(key):
                lines.setdefault(str(key), []).append((place, number))
    return lines


def _facts(lines: Mapping[str, Points], acted: Acted) -> list[Html]:
    """Sum up."""
    facts = []
    steps = as_number(acted.env_steps) or (lines[STEPS][-1][1] if lines.get(STEPS) else None)
    if steps is not None:
        speed = as_number(acted.env_steps_per_second)
        detail = "" if speed is None else f"{say_number(speed)} a second, evaluations included"
        facts.append(fact("Environment steps", say_number(steps), detail=detail))
    evaluated = lines.get("val/return", [])
    if evaluated:
        place, best = max(evaluated, key=lambda point: point[1])
        facts.append(fact("Best evaluation", say_number(best), detail=f"after {say_number(place)} environment steps"))
    cells = lines.get("train/visited_cells", [])
    if cells:
        half = next((place for place, count in cells if count >= cells[-1][1] / 2), cells[-1][0])
        facts.append(fact("States seen", say_number(cells[-1][1]), detail=f"half of them by environment step {say_number(half)}"))
    return facts
