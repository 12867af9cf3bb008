"""What a trained forecaster says of the times after a table, or after its training data; and how good it is on others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tutelage.calibrate.bands import Bands
from tutelage.core.errors import DataError, DataProblem, RunError, UsageError
from tutelage.data.part.interval import written_times
from tutelage.data.part.stretch import Stretch
from tutelage.data.prepare.timeline import TimelineFitted
from tutelage.data.source.arrays import collect_arrays
from tutelage.data.source.base import Collected
from tutelage.data.source.dates import offset_of
from tutelage.data.source.timeline import Timeline
from tutelage.predictor.predictor import Predictor
from tutelage.task.answering import answer_batches
from tutelage.task.empty_cells import say_missing
from tutelage.task.series_spans import say_begun_late

__all__ = ["Forecasts", "SeriesInput", "continued", "forecaster", "mean_forecasts", "read_series", "require_horizon"]

DIGITS = 8
"""Significant digits of what is told."""
MOST_NAMED = 6


@dataclass(frozen=True)
class SeriesInput:
    """Series that were read, to be continued or measured.

    Attributes:
        part: The series.
        problems: Rows that cannot be used.
        notes: What is worth telling.
        warnings: What makes the answers doubtful.
    """

    part: Stretch
    problems: tuple[DataProblem, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Forecasts:
    """What comes next, in the unit of each series.

    Attributes:
        times: Each time ahead, H.
        series: Names, C.
        values: float64 [H, C].
        quantiles: The same for each level, by its name, such as `0.9`.
        problems: Rows that could not be used.
        notes: What is worth telling.
        warnings: What makes the answers doubtful.
    """

    times: tuple[str, ...]
    series: tuple[str, ...]
    values: np.ndarray
    quantiles: dict[str, np.ndarray]
    problems: tuple[DataProblem, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def first(self, horizon: int) -> "Forecasts":
        """Return the first times ahead alone."""
        quantiles = {name: values[:horizon] for name, values in self.quantiles.items()}
        return replace(self, times=self.times[:horizon], values=self.values[:horizon], quantiles=quantiles)

    def records(self) -> list[dict[str, Any]]:
        """Return one record for each series and time: what is forecast, and its quantiles."""
        return [
            {"time": time, "series": name}
            | {"forecast": _plain(self.values[h, c])}
            | {f"q{level}": _plain(values[h, c]) for level, values in self.quantiles.items()}
            for c, name in enumerate(self.series)
            for h, time in enumerate(self.times)
        ]


def forecaster(path: Path, predictor: Predictor) -> TimelineFitted:
    """Return the preprocessing of a run's forecaster.

    Raises:
        RunError: The run's model does not continue series.
    """
    if not isinstance(predictor.fitted, TimelineFitted):
        kind = getattr(predictor.task, "kind", "")
        raise RunError(f"{path}: a model of task {kind!r} continues no series. Train one that does: --task forecast.")
    return predictor.fitted


def require_horizon(path: Path, horizon: int, fitted: TimelineFitted) -> None:
    """Refuse a horizon that a model has not learned; 0 = its own.

    Raises:
        UsageError: It is below 0, or beyond the model's.
    """
    if type(horizon) is not int or horizon < 0:
        raise UsageError(f"horizon {horizon!r}: expected a whole number from 1 to {fitted.horizon:,}.")
    if horizon > fitted.horizon:
        most = f"{path}: the model forecasts {fitted.interval.say_span(fitted.horizon)} ahead, and {horizon:,} were asked for"
        remedy = f"Say at most {fitted.horizon:,}, or train a model that looks further: tutelage train SOURCE --task forecast"
        raise UsageError(f"{most}. {remedy} --horizon {horizon}.")


def read_series(inputs: Any, fitted: TimelineFitted, *, training: Callable[[], Collected]) -> SeriesInput:
    """Read series as those of the training were read.

    Args:
        inputs: A path, or a table from Python; None = the training data.
        fitted: The model's preprocessing.
        training: Reads the training data again.

    Raises:
        DataError: They cannot be read, or are other series.
    """
    if inputs is None:
        collected = training()
        if not isinstance(collected.train, Stretch):
            raise DataError([DataProblem(collected.train.name, "no series with times", "Give a table with a column of dates.")])
        test = collected.test
        whole = collected.train.followed_by(test)[0] if isinstance(test, Stretch) else collected.train
        return _of_model(SeriesInput(whole, notes=collected.notes, warnings=collected.warnings), fitted)
    known = {key: value for key, value in fitted.reading().items() if key in Timeline.model_fields}
    if isinstance(inputs, str | Path):
        made = Timeline(path=str(inputs), **known).read_timeline(str(inputs), interval=fitted.interval)
        return _of_model(SeriesInput(made.part, made.problems, made.notes, made.warnings), fitted)
    table = collect_arrays(inputs, target="", is_input=True, reading=fitted.reading())
    read = Timeline(**known).of_tables(table, interval=fitted.interval)
    assert isinstance(read.train, Stretch)
    return _of_model(SeriesInput(read.train, read.problems, read.notes, read.warnings), fitted)


def _of_model(given: SeriesInput, fitted: TimelineFitted) -> SeriesInput:
    """Return the series that the model has, in its order, where others stand beside them."""
    part, known = given.part, set(fitted.series)
    others = [name for name in part.series if name not in known]
    if not others or not known <= set(part.series):
        return given
    told = f"{part.file}: not forecast, since the model did not learn from them: {_named(others)}"
    return replace(given, part=part.of_series(fitted.series), notes=(*given.notes, told))


def continued(predictor: Predictor, fitted: TimelineFitted, given: SeriesInput, *, horizon: int = 0) -> Forecasts:
    """Return what comes after the last time at which anything was measured.

    Args:
        predictor: The model.
        fitted: Its preprocessing.
        given: The series.
        horizon: How many times ahead; 0 = all that the model has learned. Of later ones nothing has to be known beforehand.

    Raises:
        DataError: There are too few times, or something that is to be known of the coming ones is missing.
    """
    part = given.part
    last = part.count_measured() - 1
    # The floor goes on from seasonal-naive, and so looks at a season too.
    need = fitted.length if predictor.companion is None else fitted.lookback
    if last + 1 < need:
        found = f"{last + 1:,} times with values, and the model looks at {need:,} to continue them"
        raise DataError([DataProblem(part.file, found, f"Give a table with the last {need:,} times and more.")])
    horizon = horizon or fitted.horizon
    _require_known(part, last, horizon=horizon)
    windows = fitted.latest(part, last=last)
    rows = fitted.rows_of(part, windows)
    answers = [
        found for _, found in answer_batches(predictor.module, rows, device=predictor.device, precision=predictor.precision)
    ]
    forecast_HC = answers[0].double().numpy()[0]
    if predictor.companion is not None:
        forecast_HC = predictor.companion.mix(forecast_HC[None], windows)[0]
    bands, quantiles = predictor.calibrator, dict[str, np.ndarray]()
    if isinstance(bands, Bands):
        offsets = bands.array()
        quantiles = {f"{level:g}": windows.raw(forecast_HC + offsets[q]) for q, level in enumerate(bands.levels)}
    times = fitted.interval.after(part.start, last + 1 + np.arange(fitted.horizon))
    form = fitted.read.get("dates", {}).get(fitted.read.get("time_column", ""), "")
    told = tuple(written_times(times, fitted.interval, offset=offset_of(form)))
    silent = [
        name
        for name, any_ in zip(fitted.series, _is_measured(windows.measured[last + 1 - fitted.length : last + 1]), strict=True)
        if not any_
    ]
    doubt = f"{part.file}: nothing was measured lately of {_named(silent)}: what is forecast of that says little"
    late = say_begun_late(part, first=last + 1 - fitted.length, last=last)
    missing = say_missing(part.stretch(last + 1 - need, last + 1, name=part.name), horizon=fitted.horizon)
    warnings = (*given.warnings, *([doubt] if silent else []), *late, *missing)
    whole = Forecasts(told, fitted.series, windows.raw(forecast_HC), quantiles, given.problems, given.notes, warnings)
    return whole.first(horizon)


def mean_forecasts(found: Sequence[Forecasts], weights: Sequence[float]) -> Forecasts:
    """Return the weighted mean of several models' forecasts of the same times, and that of each quantile."""
    first = found[0]
    if len(found) == 1:
        return first
    values = sum(weight * one.values for weight, one in zip(weights, found, strict=True))
    quantiles = {
        name: np.asarray(sum(weight * one.quantiles[name] for weight, one in zip(weights, found, strict=True)))
        for name in first.quantiles
        if all(name in one.quantiles for one in found)
    }
    return replace(first, values=np.asarray(values), quantiles=quantiles)


def _is_measured(values_TC: np.ndarray) -> Sequence[bool]:
    return [bool(value) for value in (~np.isnan(values_TC)).any(axis=0)]


def _require_known(part: Stretch, last: int, *, horizon: int) -> None:
    """Refuse series without what is to be known of the coming times that are asked for."""
    names = part.known_names
    coming = part.known[last + 1 : last + 1 + horizon]
    if not names:
        return
    complete = len(coming) == horizon and not np.isnan(coming).any()
    if not complete:
        is_there = (~np.isnan(coming)).all(axis=1)
        found = f"{', '.join(names)} must be known of the {horizon:,} times after {part.say(last)}; found {int(is_there.sum()):,}"
        remedy = "Add a row for each of them, with the values of these columns; leave the cells of the series empty."
        first = int(np.append(is_there, False).argmin())
        remedy += f" Or ask for no more than is known of: --horizon {first}." if first else ""
        raise DataError([DataProblem(part.file, found, remedy)])


def _named(names: Sequence[str]) -> str:
    """Write the first ones, and how many more there are."""
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else "")


def _plain(value: float) -> float | None:
    """Return a number as it is told; None where there is none."""
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
