"""Forecasts over the truth with their bands, and how errors grow with the steps ahead and differ between series."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from tutelage.core import layout
from tutelage.report.blocks import figure, first_of, section, table
from tutelage.report.charts.forecast import Band, Drawn, forecast_chart
from tutelage.report.charts.line import Series, line_chart
from tutelage.report.charts.times import clock_of
from tutelage.report.html import Child, Html, tag
from tutelage.report.number import say_number, say_percent
from tutelage.report.record import Count, Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section
from tutelage.report.value import as_number

__all__ = ["Forecasts"]

MAX_EXAMPLES, MAX_SERIES, MAX_STEPS = 12, 50, 2_000
LEAST_PAST = 12
"""Times before the moment that are drawn, or as many as come after it: what was told should fill half of a chart."""
FILE = layout.RESULT
LEAD = "The dashed line is the moment of the forecast: what is right of it was not known then."
BY_STEP = "Mean distance from the truth, over all series and all moments of the test part, in standard deviations of each series."


class Example(Record):
    """One forecast in the series' own unit; null where nothing was measured."""

    series: Text = ""
    start: Text = ""
    past: tuple[Number, ...] = ()
    truth: tuple[Number, ...] = ()
    forecast: tuple[Number, ...] = ()
    quantiles: dict[Text, tuple[Number, ...]] = Field(default_factory=dict)


class Steps(Record):
    """Errors by step ahead."""

    mae: tuple[Number, ...] = ()
    naive_mae: tuple[Number, ...] = ()


class SeriesScore(Record):
    """Errors of one series: on the standardized scale, and in its unit."""

    name: Text = ""
    mse: Number = None
    mae: Number = None
    mae_units: Number = None
    naive_mae_units: Number = None


class ForecastRecord(Record):
    """What result.json says of forecasts."""

    horizon: Count = 0
    unit: Text = ""
    by_step: Steps = Steps()
    by_series: tuple[SeriesScore, ...] = ()
    examples: tuple[Example, ...] = ()
    coverage: dict[Text, Number] = Field(default_factory=dict)


class ForecastPart(Record):
    """Where it stands in result.json."""

    forecast: ForecastRecord = ForecastRecord()


class Forecasts(Section):
    """Examples, errors by step ahead, errors by series, and whether the bands hold."""

    kind: Literal["forecasts"] = "forecasts"
    order: ClassVar[int] = 24
    menu: ClassVar[str] = "Forecasts"

    def show(self, run: RunRecord) -> Html | None:
        """Return the charts, or None where nothing was forecast."""
        found = run.read(ForecastPart).forecast
        examples = [chart for example in found.examples[:MAX_EXAMPLES] if (chart := _example(example, found.unit, run.data.unit))]
        steps, series = _steps(found), _by_series(found.by_series)
        if not examples and steps is None and series is None:
            return None
        return section(
            "Forecasts",
            tag("p", say_coverage(found.coverage)) if found.coverage else None,
            tag("div", examples, class_="charts") if examples else None,
            [tag("h3", "Errors"), tag("div", steps, class_="charts")] if steps else None,
            series,
            anchor=self.anchor,
            lead=f"{found.horizon:,} {_steps_of(found.unit)} ahead. {LEAD}",
        )


def say_coverage(coverage: dict[str, float | None]) -> str:
    """Return in a sentence how many of the measured values lie within the bands."""
    pairs = [(as_number(_number(name)), as_number(share)) for name, share in coverage.items()]
    told = [
        (said, share)
        for said, share in sorted(pairs, key=lambda pair: -(pair[0] or 0.0))
        if said is not None and share is not None
    ]
    if not told:
        return "Whether the bands hold was not measured."
    held = ", ".join(
        f"{'the ' if number == 0 else ''}{say_percent(said, digits=0)} bands hold {say_percent(share)}"
        for number, (said, share) in enumerate(told)
    )
    said, share = told[0]
    verdict = (
        "They are about as wide as they should be."
        if abs(share - said) <= 0.05
        else "They are too narrow: the test part differs from the validation part, which they were made from."
        if share < said
        else "They are wider than they need to be."
    )
    return f"Of the measured values, {held}. {verdict}"


def _example(example: Example, unit: str, data_unit: str) -> Html | None:
    """Return the chart of one forecast; None where it holds no number."""
    past, truth, forecast = (_numbers(values) for values in (example.past, example.truth, example.forecast))
    quantiles = {_number(level): _numbers(values) for level, values in example.quantiles.items()}
    past = past[-max(len(forecast), LEAST_PAST) :]
    drawn = Drawn(past, truth, forecast, _bands(quantiles))
    if all(value is None for value in (*past, *truth, *forecast)):
        return None
    clock = clock_of(example.start, unit, first=1 - len(past), last=max(len(truth), len(forecast), 1))
    label = " in ".join(filter(None, [example.series or "value", data_unit]))
    start = clock.say(1) if clock else example.start[:19].replace("T", " ")
    chart = forecast_chart(drawn, x_label=f"{_steps_of(unit)} ahead", y_label=label, clock=clock)
    return figure(chart, title=f"{example.series or 'Series'}{', from ' if start else ''}{start}")


def _bands(quantiles: dict[float | None, tuple[float | None, ...]]) -> list[Band]:
    """Return the bands between levels that lie opposite one another, the widest first."""
    levels = sorted(level for level in quantiles if level is not None and 0 < level < 1)
    found = []
    for low in levels:
        high = next((level for level in levels if abs(level + low - 1) < 1e-9 and level > low), None)
        if high is not None and any(value is not None for value in quantiles[low]):
            found.append(Band(say_percent(high - low, digits=0), quantiles[low], quantiles[high]))
    return found


def _steps(found: ForecastRecord) -> Html | None:
    """Return the chart of errors by step ahead."""
    errors = found.by_step
    lines = [
        Series(name, points, color)
        for name, values, color in (("this model", errors.mae, 2), ("seasonal-naive", errors.naive_mae, 1))
        if (points := [(step, value) for step, value in enumerate(_numbers(values), start=1) if value is not None])
    ]
    if not lines:
        return None
    chart = line_chart(lines, x_label=f"{_steps_of(found.unit)} ahead", y_label="mean absolute error")
    return figure(chart, title="Error by step ahead", caption=f"{BY_STEP} Seasonal-naive says what was measured a season before.")


def _by_series(scores: Sequence[SeriesScore]) -> Html | None:
    """Return the table of errors by series."""
    if not scores:
        return None
    rows: list[list[Child]] = [
        [
            score.name,
            *(say_number(as_number(value)) for value in (score.mse, score.mae, score.mae_units, score.naive_mae_units)),
            _less(as_number(score.mae_units), as_number(score.naive_mae_units)),
        ]
        for score in scores[:MAX_SERIES]
    ]
    headers = ["series", "mse", "mae", "mae in its unit", "seasonal-naive in its unit", "error less by"]
    shown = table(headers, rows, numeric=range(1, len(headers)), sortable=True)
    return tag("div", tag("h3", "Error by series"), shown, first_of(MAX_SERIES, len(scores), file=FILE))


def _steps_of(unit: str) -> str:
    """Return what several steps are called, such as `hours` or `steps of 15 minutes`."""
    unit = unit.removeprefix("1 ")
    return f"steps of {unit}" if unit[:1].isdigit() else f"{unit or 'step'}s"


def _less(ours: float | None, naive: float | None) -> str:
    return "-" if ours is None or not naive else say_percent(1 - ours / naive)


def _numbers(values: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(as_number(value) for value in values[:MAX_STEPS])


def _number(text: str) -> float | None:
    """Return the number that a key stands for; None where it is none."""
    try:
        return as_number(float(text))
    except ValueError:
        return None
