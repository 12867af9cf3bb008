"""The frame of a chart: scales, round ticks, grid, labels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.report.html import Child, Html, tag
from tutelage.report.number import say_tick

__all__ = ["Axis", "Frame", "axis_over", "ticks"]

SMALLEST_SPAN = 1e-200
"""Spans below this are taken for none: their ticks would be lost in rounding."""
FAREST = 1e280
"""Beyond it, or below one over it, no logarithmic axis has room left on both sides."""
LOG_RATIO = 30.0
"""Positive values that span more than this factor are drawn on a logarithmic axis, where one is allowed."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: what it shows and from where to where.

    Attributes:
        label: Its name.
        low: Value at its beginning.
        high: Value at its end.
        is_log: Whether equal lengths are equal factors.
        marks: Values and their labels, such as dates; () takes round numbers.
    """

    label: str
    low: float
    high: float
    is_log: bool = False
    marks: tuple[tuple[float, str], ...] = ()

    def fraction(self, value: float) -> float:
        """Return where a value lies: 0 at `low`, 1 at `high`."""
        if self.is_log:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Frame:
    """The area of a chart, in SVG units; the picture scales with the page."""

    x: Axis
    y: Axis
    width: float = 520.0
    height: float = 290.0
    left: float = 58.0
    right: float = 14.0
    top: float = 30.0
    bottom: float = 46.0

    def at_x(self, value: float) -> float:
        """Return the horizontal position of a value."""
        return round(self.left + self.x.fraction(value) * (self.width - self.left - self.right), 1)

    def at_y(self, value: float) -> float:
        """Return the vertical position of a value."""
        return round(self.height - self.bottom - self.y.fraction(value) * (self.height - self.top - self.bottom), 1)

    def draw(self, *content: Child | Sequence[Child], description: str) -> Html:
        """Return the picture: grid below, content, labels."""
        return tag(
            "svg",
            self._grid(),
            *content,
            viewBox=f"0 0 {self.width:g} {self.height:g}",
            class_="chart",
            role="img",
            aria_label=description,
        )

    def _grid(self) -> list[Html]:
        base = self.height - self.bottom
        pieces: list[Html] = []
        marks = ticks(self.y, count=5)
        for value, text in marks:
            y = self.at_y(value)
            pieces.append(tag("line", x1=self.left, x2=self.width - self.right, y1=y, y2=y, class_="grid"))
            pieces.append(tag("text", text, x=self.left - 8, y=y + 4, text_anchor="end", class_="tick"))
        for value, text in ticks(self.x, count=6):
            x = self.at_x(value)
            pieces.append(tag("line", x1=x, x2=x, y1=base, y2=base + 4, class_="axis"))
            pieces.append(tag("text", text, x=x, y=base + 18, text_anchor="middle", class_="tick"))
        pieces.append(tag("line", x1=self.left, x2=self.width - self.right, y1=base, y2=base, class_="axis"))
        middle = (self.left + self.width - self.right) / 2
        pieces.append(tag("text", self.x.label, x=middle, y=self.height - 6, text_anchor="middle", class_="axis-label"))
        pieces.append(tag("text", self.y.label, x=4, y=13, class_="axis-label"))
        return pieces


def axis_over(label: str, values: Sequence[float], *, room: float = 0.05, may_be_log: bool = False) -> Axis:
    """Return an axis that holds all values, with some room on both sides."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if may_be_log and low > 1 / FAREST and high < FAREST and high / low > LOG_RATIO:
        factor = (high / low) ** room
        return Axis(label, low / factor, high * factor, is_log=True)
    # All values equal, or so close that they would be drawn as rounding noise.
    if high - low <= max(1e-9 * max(abs(high), abs(low)), SMALLEST_SPAN):
        half = abs(high) * 0.1 if abs(high) > SMALLEST_SPAN / 1e-9 else 0.5
        return Axis(label, low - half, high + half)
    return Axis(label, low - room * (high - low), high + room * (high - low))


def ticks(axis: Axis, *, count: int) -> list[tuple[float, str]]:
    """Return about `count` round values on an axis with their labels: its own, or steps of 1, 2 or 5 times a power of ten."""
    if axis.marks:
        return list(axis.marks)
    if axis.is_log:
        return _log_ticks(axis, count=count)
    rough = (axis.high - axis.low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if rough <= power * factor * 1.25)
    first = math.ceil(axis.low / step - 1e-9)
    last = math.floor(axis.high / step + 1e-9)
    return [(number * step, say_tick(number * step, step=step)) for number in range(first, last + 1)]


def _log_ticks(axis: Axis, *, count: int) -> list[tuple[float, str]]:
    """Return ticks at powers of ten, with 2 and 5 times them where there is room."""
    powers = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        marks = [factor * 10.0**power for power in powers for factor in factors]
        inside = [mark for mark in marks if axis.low <= mark <= axis.high]
        if len(inside) <= count + 2:
            break
    stride = max(math.ceil(len(inside) / (count + 2)), 1)
    return [(mark, say_tick(mark, step=10.0 ** math.floor(math.log10(mark)))) for mark in inside[::stride]]
