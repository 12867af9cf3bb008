"""A forecast drawn over what was measured, with the bands in which the truth should lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tutelage.report.charts.axes import Axis, Frame, axis_over
from tutelage.report.charts.hover import hovers
from tutelage.report.charts.times import Clock
from tutelage.report.html import Html, join, tag
from tutelage.report.number import say_number

__all__ = ["Band", "Drawn", "forecast_chart"]

Values = Sequence[float | None]
"""One for each step; None where there is none."""


@dataclass(frozen=True, slots=True)
class Band:
    """Between which values the truth should lie, for each step ahead; `name` is such as `80 %`."""

    name: str
    low: Values
    high: Values


@dataclass(frozen=True, slots=True)
class Drawn:
    """One forecast: values before its moment, what was measured after it, what was told, and the bands, the widest first."""

    past: Values
    truth: Values
    forecast: Values
    bands: Sequence[Band] = ()


def forecast_chart(drawn: Drawn, *, x_label: str, y_label: str, clock: Clock | None) -> Html:
    """Return the chart and its legend.

    Args:
        drawn: At least one value in all.
        x_label: Name of the x axis where times are not known.
        y_label: Name of the y axis.
        clock: What time steps are; the first after the moment is step 1.
    """
    measured = {1 - len(drawn.past) + number: value for number, value in enumerate((*drawn.past, *drawn.truth))}
    told = dict(enumerate(drawn.forecast, start=1))
    ends = [side for band in drawn.bands for side in (band.low, band.high)]
    steps = [*measured, *told, *range(1, 1 + max(map(len, ends), default=0))]
    values = [value for some in (measured.values(), told.values(), *ends) for value in some if value is not None]
    frame = Frame(x=_time_axis(min(steps), max(steps), x_label=x_label, clock=clock), y=axis_over(y_label, values))
    moment = frame.at_x(0.5)
    pieces = [
        *[_area(frame, band, number) for number, band in enumerate(drawn.bands)],
        tag("line", x1=moment, x2=moment, y1=frame.top - 3, y2=frame.height - frame.bottom, class_="mark"),
        *_lines(frame, measured, "line measured"),
        *_lines(frame, told, "line c2"),
    ]
    strips = hovers(frame, sorted({*measured, *told}), lambda x: _say(drawn, int(x), measured, told, clock=clock))
    text = f"{y_label}: {len(drawn.past)} times before the moment of the forecast, {len(drawn.forecast)} after it"
    return join(_legend(drawn), frame.draw(pieces, strips, description=text))


def _time_axis(first: int, last: int, *, x_label: str, clock: Clock | None) -> Axis:
    """Return the axis of steps, with dates where these are known."""
    low, high = float(first), float(max(last, first + 1))
    if clock is None:
        return Axis(x_label, low, high)
    label = f"{clock.say(first)} to {clock.say(last)}"
    return Axis(label, low, high, marks=clock.marks(first, last))


def _stretches(steps: Mapping[int, tuple[float, ...] | None]) -> list[list[tuple[int, tuple[float, ...]]]]:
    """Return runs of steps without a gap."""
    found: list[list[tuple[int, tuple[float, ...]]]] = [[]]
    for step, values in steps.items():
        if values is None:
            found.append([])
        else:
            found[-1].append((step, values))
    return [run for run in found if run]


def _lines(frame: Frame, steps: Mapping[int, float | None], class_: str) -> list[Html]:
    """Return a line for each stretch; a dot for a value between gaps."""
    runs = _stretches({step: None if value is None else (value,) for step, value in steps.items()})
    pieces = []
    for run in runs:
        places = [(frame.at_x(step), frame.at_y(value)) for step, (value,) in run]
        points = " ".join(f"{x:g},{y:g}" for x, y in places)
        lone = tag("circle", cx=places[0][0], cy=places[0][1], r=2.6, class_=class_.replace("line", "dot"))
        pieces.append(lone if len(places) == 1 else tag("polyline", points=points, class_=class_))
    return pieces


def _area(frame: Frame, band: Band, number: int) -> Html:
    """Return the band as an area for each stretch."""
    pairs = zip(band.low, band.high, strict=False)
    runs = _stretches(
        {step: None if low is None or high is None else (low, high) for step, (low, high) in enumerate(pairs, start=1)}
    )
    pieces = []
    for run in runs:
        # One step alone would be an area without width.
        wide = [(step + side, ends) for step, ends in run for side in ((0.0,) if len(run) > 1 else (-0.4, 0.4))]
        upper = [(frame.at_x(step), frame.at_y(high)) for step, (_, high) in wide]
        lower = [(frame.at_x(step), frame.at_y(low)) for step, (low, _) in reversed(wide)]
        pieces.append(tag("polygon", points=" ".join(f"{x:g},{y:g}" for x, y in (*upper, *lower)), class_="band"))
    return tag("g", pieces, class_=f"band{min(number, 1)}")


def _say(
    drawn: Drawn, step: int, measured: Mapping[int, float | None], told: Mapping[int, float | None], *, clock: Clock | None
) -> str:
    """Write what is shown of a step."""
    lines = [clock.say(step) if clock else f"step {step}"]
    lines += [
        f"{name}: {say_number(value)}"
        for name, value in (("measured", measured.get(step)), ("forecast", told.get(step)))
        if value is not None
    ]
    for band in drawn.bands if step > 0 else ():
        if step <= min(len(band.low), len(band.high)):
            low, high = band.low[step - 1], band.high[step - 1]
            lines += [f"{band.name}: {say_number(low)} to {say_number(high)}"] if low is not None and high is not None else []
    return "\n".join(lines)


def _legend(drawn: Drawn) -> Html:
    """Name lines and areas."""
    entries = [("measured", "measured"), ("forecast", "c2")]
    entries += [(f"{band.name} band", f"c2 band{min(number, 1)}") for number, band in enumerate(drawn.bands)]
    return tag("p", [tag("span", tag("i", class_=class_), name) for name, class_ in entries], class_="legend")
