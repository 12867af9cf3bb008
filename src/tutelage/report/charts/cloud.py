"""Points in the plane, such as those that a model made, drawn over those that are real."""

from collections.abc import Sequence

from tutelage.report.charts.axes import Axis, Frame
from tutelage.report.charts.legend import legend
from tutelage.report.html import Html, join, tag
from tutelage.report.number import quantile, say_count

__all__ = ["cloud_chart"]

REAL, MADE = 1, 2
"""Colors."""
TAIL = 0.01
"""Fraction of the points on each side that may fall outside, so that a few strays do not shrink the rest."""
ROOM = 0.08
"""Room around the points, as a fraction of their span."""
SIDE = 448.0
"""Width and height of the drawing area in SVG units: one unit of x is as long as one of y."""

Points = Sequence[tuple[float, float]]


def cloud_chart(made: Points, *, real: Points = ()) -> Html:
    """Return the chart, both axes with the same scale.

    Args:
        made: Finite points, drawn on top.
        real: Finite points that they are compared with; none leaves the legend out.
    """
    # The real points do not move, so pictures of one run share their scale.
    x_axis, y_axis = _axes(real or made)
    probe = Frame(x=x_axis, y=y_axis)
    frame = Frame(x=x_axis, y=y_axis, height=SIDE + probe.top + probe.bottom)
    outside = sum(not _is_inside(frame, point) for point in made)
    text = f"{say_count(len(made), 'point')} made" + (f" over {len(real):,} real" if real else "")
    picture = frame.draw(_dots(frame, real, color=REAL), _dots(frame, made, color=MADE), description=text)
    names = [("made", MADE), ("real", REAL)] if real else []
    note = f"{say_count(outside, 'point')} made outside of this picture" if outside else None
    return join(legend(names) if names else None, picture, tag("p", note, class_="caption") if note else None)


def _axes(points: Points) -> tuple[Axis, Axis]:
    """Return two axes of the same length around the middle of the points."""
    ends = [(quantile(values, TAIL), quantile(values, 1 - TAIL)) for values in zip(*points, strict=True)]
    span = max(high - low for low, high in ends)
    half = (0.5 + ROOM) * span or 0.5
    # Far from zero, half a unit may be too little to tell two ends apart.
    half = max(half, *(1e-6 * abs(low + high) for low, high in ends))
    middles = [(low + high) / 2 for low, high in ends]
    return Axis("x", middles[0] - half, middles[0] + half), Axis("y", middles[1] - half, middles[1] + half)


def _is_inside(frame: Frame, point: tuple[float, float]) -> bool:
    x, y = point
    return frame.x.low <= x <= frame.x.high and frame.y.low <= y <= frame.y.high


def _dots(frame: Frame, points: Points, *, color: int) -> Html | None:
    """Return all points as one path of dots, which takes a tenth of the room of circles."""
    places = [f"M{frame.at_x(x):g},{frame.at_y(y):g}h0" for x, y in points if _is_inside(frame, (x, y))]
    return tag("path", d="".join(places), class_=f"dots c{color}") if places else None
