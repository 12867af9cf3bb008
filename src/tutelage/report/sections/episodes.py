"""How the episodes went that were played with the trained model."""

from collections.abc import Sequence
from itertools import accumulate
from typing import ClassVar, Literal

from tutelage.report.blocks import fact, figure, section
from tutelage.report.charts.histogram import histogram
from tutelage.report.charts.line import Series, line_chart
from tutelage.report.html import Html, picture, tag
from tutelage.report.number import quantile, say_number
from tutelage.report.record import Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section
from tutelage.report.value import as_number

__all__ = ["Episodes"]

LEAD = (
    "An episode is one play from its beginning to its end; its return is the sum of all rewards in it. "
    "The trained model played these after training."
)


PALETTE = 4
"""Lines of a chart."""
STRIP = "From the first step to the last, as the agent saw it."


class Course(Record):
    """One episode over time: lists of numbers for each step, or pictures as base64 PNG."""

    observed: tuple[tuple[Number, ...], ...] = ()
    actions: tuple[tuple[Number, ...], ...] = ()
    rewards: tuple[Number, ...] = ()
    pictures: Text = ""


class Lists(Record):
    """One number for each episode, and the course of the first one."""

    returns: tuple[Number, ...] = ()
    lengths: tuple[Number, ...] = ()
    course: Course = Course()


class Played(Record):
    """Its slice of result.json."""

    episodes: Lists | None = None


class Episodes(Section):
    """Histograms of the returns and of the lengths, and one episode from its beginning to its end."""

    kind: Literal["episodes"] = "episodes"
    order: ClassVar[int] = 70
    menu: ClassVar[str] = "Episodes"

    def show(self, run: RunRecord) -> Html | None:
        """Return the charts, or None where no episode was played."""
        played = run.read(Played).episodes or Lists()
        returns, lengths = _numbers(played.returns), _numbers(played.lengths)
        charts = [
            _chart(returns, "return", caption="Should lie as far to the right as the problem allows, and close together."),
            _chart(lengths, "steps", title="Lengths"),
        ]
        if not any(charts):
            return None
        facts = [*_facts(returns), *([fact("Mean length", f"{say_number(_mean(lengths))} steps")] if lengths else [])]
        return section(
            "Episodes",
            tag("dl", facts, class_="facts"),
            tag("div", charts, class_="charts"),
            *_course(played.course),
            anchor=self.anchor,
            lead=LEAD,
        )


def _facts(returns: Sequence[float]) -> list[Html]:
    """Sum up the returns."""
    if not returns:
        return []
    low, middle, high = (say_number(quantile(returns, fraction)) for fraction in (0.1, 0.5, 0.9))
    return [
        fact("Episodes", f"{len(returns):,}"),
        fact(
            "Mean return",
            say_number(_mean(returns)),
            detail=f"lowest {say_number(min(returns))}, highest {say_number(max(returns))}",
        ),
        fact("Middle return", middle, detail=f"eight of ten between {low} and {high}"),
    ]


def _chart(values: Sequence[float], label: str, *, title: str = "Returns", caption: str = "") -> Html | None:
    if not values:
        return None
    return figure(histogram(values, x_label=label, y_label="episodes", height=290.0), title=title, caption=caption)


def _course(course: Course) -> list[Html]:
    """Show one episode step by step."""
    strip = picture(course.pictures, alt="an episode, from its first step to its last", class_="picture")
    shown = [figure(strip, title="An episode", caption=STRIP)] if strip is not None else []
    earned = list(accumulate(_numbers(course.rewards)))
    charts = [
        _over_time(course.observed, "observed", title="What was observed", caption="The first numbers of each observation."),
        _over_time(course.actions, "action", title="What was done", caption="The best action at each step."),
        _over_time([earned], "rewards so far", title="What that brought", caption="The sum of rewards up to each step."),
    ]
    drawn = [chart for chart in charts if chart is not None]
    shown += [tag("div", drawn, class_="charts")] if drawn else []
    return [tag("h3", "One of these episodes, step by step"), *shown] if shown else []


def _over_time(columns: Sequence[Sequence[float | None]], label: str, *, title: str, caption: str) -> Html | None:
    """Draw some numbers over the steps of an episode."""
    lines = [
        Series(
            f"number {place + 1}" if len(columns) > 1 else label,
            [(float(step), value) for step, each in enumerate(column) if (value := as_number(each)) is not None],
            color=place + 1,
        )
        for place, column in enumerate(columns[:PALETTE])
    ]
    lines = [line for line in lines if line.points]
    return figure(line_chart(lines, x_label="step", y_label=label), title=title, caption=caption) if lines else None


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [number for value in values if (number := as_number(value)) is not None]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
