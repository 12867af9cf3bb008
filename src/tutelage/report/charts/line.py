"""A line chart of one or more series, with values shown on hover."""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.report.charts.axes import Axis, Frame, axis_over
from tutelage.report.charts.hover import hovers
from tutelage.report.charts.legend import legend
from tutelage.report.html import Html, join, tag
from tutelage.report.number import say_number

__all__ = ["Mark", "Series", "line_chart", "thin"]

MAX_POINTS = 300
"""Points drawn per series; more are averaged in groups, which keeps the file small."""


@dataclass(frozen=True, slots=True)
class Series:
    """A named line through (x, y) points, sorted by x; `color` 1 to 4 is its place in the palette."""

    name: str
    points: Sequence[tuple[float, float]]
    color: int = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the x axis worth pointing out."""

    x: float
    label: str


def line_chart(
    series: Sequence[Series], *, x_label: str, y_label: str, mark: Mark | None = None, may_be_log: bool = False
) -> Html:
    """Return the chart and its legend.

    Args:
        series: At least one point in all.
        x_label: Name of the x axis.
        y_label: Name of the y axis.
        mark: Drawn as a dashed vertical line.
        may_be_log: Allow a logarithmic y axis where the values span orders of magnitude.
    """
    thinned = [Series(one.name, thin(one.points), one.color) for one in series]
    drawn = [one for one in thinned if one.points]
    values = [y for one in drawn for _, y in one.points]
    places = [x for one in drawn for x, _ in one.points]
    y_axis = axis_over(y_label, values, may_be_log=may_be_log)
    if y_axis.is_log:
        y_axis = Axis(f"{y_label} (logarithmic)", y_axis.low, y_axis.high, is_log=True)
    frame = Frame(x=axis_over(x_label, [0.0, *places], room=0.0), y=y_axis)
    text = f"{y_label} over {x_label}: " + "; ".join(f"{one.name} ends at {say_number(one.points[-1][1])}" for one in drawn)
    lines = [piece for one in drawn for piece in _line(frame, one)]
    picture = frame.draw(_mark(frame, mark), lines, _hovers(frame, drawn), description=text)
    return join(_legend(drawn, y_label=y_label), picture)


def thin(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Average neighboring points until about MAX_POINTS are left; the last one stays as it is."""
    finite = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    size = math.ceil(len(finite) / MAX_POINTS)
    if size <= 1:
        return finite
    *rest, last = finite
    groups = [rest[start : start + size] for start in range(0, len(rest), size)]
    means = [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]
    return [*means, last]


def _legend(series: Sequence[Series], *, y_label: str) -> Html | None:
    """Name the lines; one that is called like the axis needs no name."""
    if [one.name for one in series] == [y_label]:
        return None
    return legend([(one.name, one.color) for one in series])


def _line(frame: Frame, series: Series) -> list[Html]:
    points = [(frame.at_x(x), frame.at_y(y)) for x, y in series.points]
    pieces = [tag("polyline", points=" ".join(f"{x:g},{y:g}" for x, y in points), class_=f"line c{series.color}")]
    if len(points) <= 40:
        pieces += [tag("circle", cx=x, cy=y, r=2.6, class_=f"dot c{series.color}") for x, y in points]
    return pieces


def _mark(frame: Frame, mark: Mark | None) -> list[Html]:
    if mark is None or not frame.x.low <= mark.x <= frame.x.high:
        return []
    x = frame.at_x(mark.x)
    # Above the drawing area, where no line can cross it.
    side = "end" if x > frame.width * 0.7 else "middle"
    text = tag("text", mark.label, x=x + 4 if side == "end" else x, y=frame.top - 7, text_anchor=side, class_="mark")
    return [tag("line", x1=x, x2=x, y1=frame.top - 3, y2=frame.height - frame.bottom, class_="mark"), text]


def _hovers(frame: Frame, series: Sequence[Series]) -> list[Html]:
    """Return strips that show the values of all series nearest to them."""

    def say(x: float) -> str:
        lines = [f"{one.name}: {say_number(_nearest(one.points, x))}" for one in series]
        return "\n".join([f"{frame.x.label} {say_number(round(x, 2))}", *lines])

    return hovers(frame, sorted({x for one in series for x, _ in one.points}), say)


def _nearest(points: Sequence[tuple[float, float]], x: float) -> float:
    """Return the y of the point nearest to x."""
    number = bisect.bisect_left(points, (x, -math.inf))
    return min(points[max(number - 1, 0) : number + 1], key=lambda point: abs(point[0] - x))[1]
