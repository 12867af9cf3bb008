"""How the episodes went that were played with the trained model."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from tutelage.report.blocks import fact, figure, section
from tutelage.report.charts.histogram import histogram
from tutelage.report.html import Html, tag
from tutelage.report.number import quantile, say_number
from tutelage.report.record import Number, Record, RunRecord
from tutelage.report.sections.base import Section
from tutelage.report.value import as_number

__all__ = ["Episodes"]

LEAD = (
    "An episode is one play from its beginning to its end; its return is the sum of all rewards in it. "
    "The trained model played these after training."
)


class Lists(Record):
    """One number for each episode."""

    returns: tuple[Number, ...] = ()
    lengths: tuple[Number, ...] = ()


class Played(Record):
    """Its slice of result.json."""

    episodes: Lists | None = None


class Episodes(Section):
    """Histograms of the returns and of the lengths."""

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


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [number for value in values if (number := as_number(value)) is not None]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
