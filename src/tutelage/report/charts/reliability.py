"""A reliability diagram: how often a model is right at each confidence that it states, with 95 % bands."""

from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.report.charts.axes import Axis, Frame
from tutelage.report.html import Html, tag
from tutelage.report.number import say_count, say_percent

__all__ = ["Bin", "reliability_chart"]


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of about one confidence.

    Attributes:
        rows: How many.
        confidence: Their mean stated confidence, 0 to 1.
        accuracy: How many of them were right, 0 to 1.
        low: Where the 95 % band of the accuracy begins.
        high: Where it ends.
    """

    rows: int
    confidence: float
    accuracy: float
    low: float
    high: float


def reliability_chart(bins: Sequence[Bin]) -> Html:
    """Return the chart; on the dashed line stated confidence is the accuracy that is reached."""
    least = min((min(each.confidence, each.low) for each in bins), default=0.0)
    low = max(0.0, least - 0.05)
    frame = Frame(x=Axis("stated confidence", low, 1.0), y=Axis("right answers", low, 1.0), height=340.0)
    ideal = tag("line", x1=frame.at_x(low), x2=frame.at_x(1), y1=frame.at_y(low), y2=frame.at_y(1), class_="ideal")
    drawn = sorted(bins, key=lambda each: each.confidence)
    upper = [(frame.at_x(each.confidence), frame.at_y(each.high)) for each in drawn]
    lower = [(frame.at_x(each.confidence), frame.at_y(each.low)) for each in reversed(drawn)]
    band = tag("polygon", points=_points([*upper, *lower]), class_="band")
    line = _points([(frame.at_x(each.confidence), frame.at_y(each.accuracy)) for each in drawn])
    dots = [
        tag("circle", cx=frame.at_x(each.confidence), cy=frame.at_y(each.accuracy), r=3.4, class_="dot c1", data_tip=_tip(each))
        for each in drawn
    ]
    text = f"Right answers over stated confidence, {len(drawn)} bins"
    return frame.draw(
        tag("g", band, class_="band0"), ideal, tag("polyline", points=line, class_="line c1"), dots, description=text
    )


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def _tip(each: Bin) -> str:
    band = f"{say_percent(each.low)} to {say_percent(each.high)}"
    return f"states {say_percent(each.confidence)}\nis right {say_percent(each.accuracy)} ({band})\n{say_count(each.rows, 'row')}"
