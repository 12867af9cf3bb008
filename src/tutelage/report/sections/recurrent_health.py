"""How far back a recurrent network learns: the gradient of the loss by time lag, so that vanishing and exploding are seen."""

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

from tutelage.report.blocks import figure, section
from tutelage.report.charts.line import Series, line_chart
from tutelage.report.html import Html, tag
from tutelage.report.number import say_number
from tutelage.report.record import Count, Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section

__all__ = ["RecurrentHealth"]

MOMENTS = {"start": 3, "middle": 2, "end": 1}
"""Moments of training in their order, with their colors."""
MOST_LINES = 4
VANISHING, EXPLODING = 1e-3, 1e3
"""Norm at the longest lag over that at the nearest one, from which on it is called so."""
LEAD = (
    "How strongly the loss depends on what the network read so many steps before the end of a row. A level line learns from "
    "all of a row; one that falls steeply learns from its end alone."
)
CAPTION = (
    "Norm of the gradient of the loss for the embedded input, averaged over some validation rows. Each step back multiplies it "
    "once more by the same kind of factor: it shrinks or grows geometrically unless gates keep it."
)
REMEDIES = {
    "vanishing": (
        "The gradient vanishes: what was read that long ago cannot be learned from. Where it matters, take a network with gates "
        "(model = lstm, gru or min_gru), let their memories begin long (forget_bias or update_bias = chrono), read from both "
        "ends (bidirectional), answer from all steps (pool = mean, max, last), or shorten the rows."
    ),
    "exploding": (
        "The gradient explodes: single updates are far too large. Clip it (clip = 1), take a smaller learning rate, or a network "
        "with gates (model = lstm, gru or min_gru)."
    ),
    "level": "The gradient reaches back over the whole row: it neither vanishes nor explodes.",
}


class Measured(Record):
    """Its slice of the event `GradientByLag`."""

    step: Count = 0
    moment: Text = ""
    lags: tuple[Number, ...] = ()
    norms: tuple[Number, ...] = ()


class RecurrentHealth(Section):
    """A line for each moment, and what the last one says."""

    kind: Literal["recurrent_health"] = "recurrent_health"
    order: ClassVar[int] = 34
    menu: ClassVar[str] = "Recurrent health"

    def show(self, run: RunRecord) -> Html | None:
        """Return the chart, or None for a network that is not recurrent."""
        last = {event.moment: event for event in run.read_events(Measured, "GradientByLag")}
        moments = [last[moment] for moment in sorted(last, key=_place)][-MOST_LINES:]
        lines = [Series(_name(event), _drawn(event), MOMENTS.get(event.moment, 4)) for event in moments if _drawn(event)]
        if not lines:
            return None
        chart = line_chart(lines, x_label="steps before the end", y_label="gradient norm", may_be_log=True)
        return section(
            "Recurrent health",
            tag("p", say_health(_points(moments[-1]))),
            tag("div", figure(chart, title="Gradient by time lag", caption=CAPTION), class_="charts"),
            anchor=self.anchor,
            lead=LEAD,
        )


def say_health(points: Sequence[tuple[float, float]]) -> str:
    """Return what norms by lag say, and what to do; a norm that is not finite was too large to be told."""
    if len(points) < 2:
        return "The rows are too short to compare lags."
    (near, nearest), (far, longest) = points[0], points[-1]
    if not math.isfinite(longest):
        return f"{REMEDIES['exploding']} At the last measurement it was not finite {say_number(far)} steps before the end."
    # Nothing at the nearest lag is no measure of the longest one.
    ratio = longest / nearest if nearest > 0 else 1.0
    kind = "vanishing" if ratio < VANISHING else "exploding" if ratio > EXPLODING else "level"
    found = f"{say_number(far)} steps before the end it was {say_number(ratio)} times that {say_number(near)} steps before it."
    return f"{REMEDIES[kind]} At the last measurement, {found}"


def _place(moment: str) -> int:
    """Return a moment's place among them; one that is not known comes first."""
    return list(MOMENTS).index(moment) if moment in MOMENTS else -1


def _name(event: Measured) -> str:
    return f"{event.moment} (step {event.step:,})"


def _points(event: Measured) -> list[tuple[float, float]]:
    """Return norms by lag, in order; NaN for those that are not finite."""
    pairs = zip(event.lags, event.norms, strict=False)
    return sorted((lag, math.nan if norm is None else norm) for lag, norm in pairs if lag is not None and math.isfinite(lag))


def _drawn(event: Measured) -> list[tuple[float, float]]:
    """Return the points that a logarithmic axis can show."""
    return [(lag, norm) for lag, norm in _points(event) if norm > 0]
