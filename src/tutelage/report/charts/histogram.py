"""How often each range of values occurs."""

import math
from collections.abc import Sequence

from tutelage.report.charts.axes import SMALLEST_SPAN, Axis, Frame
from tutelage.report.html import Html, tag
from tutelage.report.number import quantile, say_number

__all__ = ["histogram"]

TAIL = 0.005
"""Fraction of the values on each side that goes into the outermost bars, so that one outlier does not flatten the rest."""


def histogram(values: Sequence[float], *, x_label: str, y_label: str = "rows", height: float = 380.0) -> Html:
    """Return the chart; a dashed line stands at zero where zero is in range.

    Args:
        values: At least one.
        x_label: Name and unit of the values.
        y_label: What is counted.
        height: Height in SVG units; the width is 520.
    """
    low, high = quantile(values, TAIL), quantile(values, 1 - TAIL)
    if high - low <= max(1e-9 * max(abs(high), abs(low)), SMALLEST_SPAN):
        half = max(abs(high) * 0.1, 0.5)
        low, high = low - half, high + half
    bins = max(min(round(math.sqrt(len(values))), 40), 5)
    counts = [0] * bins
    for value in values:
        counts[min(max(int((value - low) / (high - low) * bins), 0), bins - 1)] += 1
    frame = Frame(x=Axis(x_label, low, high), y=Axis(y_label, 0, max(counts) * 1.06), height=height)
    width = (high - low) / bins
    bars = [_bar(frame, low + number * width, low + (number + 1) * width, count) for number, count in enumerate(counts)]
    zero = []
    if low < 0 < high:
        x = frame.at_x(0)
        zero = [tag("line", x1=x, x2=x, y1=frame.top, y2=frame.height - frame.bottom, class_="mark")]
    return frame.draw(bars, zero, description=f"Histogram of {x_label} over {len(values)} {y_label}")


def _bar(frame: Frame, left: float, right: float, count: int) -> Html:
    x, y = frame.at_x(left), frame.at_y(count)
    return tag(
        "rect",
        x=x + 0.5,
        y=y,
        width=max(frame.at_x(right) - x - 1, 0.5),
        height=max(frame.height - frame.bottom - y, 0),
        class_="bar",
        data_tip=f"{say_number(left, digits=3)} to {say_number(right, digits=3)}\n{count:,}",
    )
