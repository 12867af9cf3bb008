"""Invisible strips over a chart, each of which shows values when it is pointed at."""

import math
from collections.abc import Callable, Sequence

from tutelage.report.charts.axes import Frame
from tutelage.report.html import Html, tag

__all__ = ["hovers"]

MAX_HOVERS = 120
"""Places along the x axis that show their values."""


def hovers(frame: Frame, places: Sequence[float], say: Callable[[float], str]) -> list[Html]:
    """Return strips around places on the x axis, sorted.

    Args:
        frame: The chart.
        places: Where there are values; of many, some are left out.
        say: Writes what is shown at a place, lines apart.
    """
    places = places[:: max(math.ceil(len(places) / MAX_HOVERS), 1)]
    middles = [frame.at_x(x) for x in places]
    base = frame.height - frame.bottom
    strips = []
    for number, x in enumerate(places):
        left = (middles[number - 1] + middles[number]) / 2 if number else frame.left
        right = (middles[number] + middles[number + 1]) / 2 if number + 1 < len(places) else frame.width - frame.right
        strips.append(
            tag(
                "g",
                tag("rect", x=left, y=frame.top, width=max(right - left, 0.1), height=base - frame.top),
                tag("line", x1=middles[number], x2=middles[number], y1=frame.top, y2=base),
                class_="hover",
                data_tip=say(x),
            )
        )
    return strips
