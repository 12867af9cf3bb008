"""How good the forecasts of series are, of one model or of the mean of several: every window that the series hold counts.

Shape letters: B windows of a batch, Q levels, H steps ahead, C series.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import reduce
from typing import Any

import numpy as np

from tutelage.calibrate.bands import Bands
from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.stretch import Stretch
from tutelage.data.prepare.timeline import TimelineFitted
from tutelage.planning.plan import Plan
from tutelage.predictor.predictor import Predictor
from tutelage.run.forecast import SeriesInput
from tutelage.task.base import Task
from tutelage.task.empty_cells import say_missing
from tutelage.task.forecast_beside import ForecastBeside
from tutelage.task.forecast_evaluation import Forecasted, ForecastEvaluator, Outlook

__all__ = ["MeanEvaluator", "measured"]


@dataclass(frozen=True)
class MeanEvaluator(ForecastEvaluator):
    """One stretch of time with what is measured on it of the weighted mean of several models' forecasts.

    Windows, scale and season are those of the first one.

    Attributes:
        members: Each model's own evaluator, of the same moments.
        weights: Of each in the mean; their sum is 1.
    """

    members: tuple[ForecastEvaluator, ...] = ()
    weights: tuple[float, ...] = ()

    def told(self, task: Task, rows: np.ndarray | None = None, *, with_floor: bool = True) -> Iterator[Forecasted]:
        """Yield mean forecasts of windows, batch by batch, in order."""
        chosen = np.arange(len(self)) if rows is None else rows
        for own in self._batches(chosen):
            each = [next(member.told(task, own, with_floor=with_floor)) for member in self.members]
            found = [member.windows.raw(told.forecast) for member, told in zip(self.members, each, strict=True)]
            mean_BHC = sum(weight * one for weight, one in zip(self.weights, found, strict=True))
            mean_BHC = np.asarray((mean_BHC - self.windows.mean) / self.windows.std)
            yield replace(each[0], forecast=mean_BHC, network=mean_BHC, floor=None)

    @property
    def _batch_size(self) -> int:
        """As many windows as each member takes at once."""
        return min(member._batch_size for member in self.members)


def measured(
    members: Sequence[Predictor], weights: Sequence[float], plan: Plan, given: SeriesInput, *, lookback: int = 0
) -> dict[str, Any]:
    """Return `metrics` and their `intervals` on series: every window that all members can continue counts.

    Args:
        members: The models.
        weights: Of each in the mean; [1.0] of one alone.
        plan: Names the metrics.
        given: The series.
        lookback: Times at the beginning that are only looked back at, at least.

    Raises:
        DataError: They hold no window.
    """
    part = given.part.stretch(0, len(given.part), name="test")
    longest = max([lookback, *(_fitted(member).lookback for member in members)])
    evaluators = [_evaluator(member, plan, part, lookback=longest) for member in members]
    moments = reduce(np.intersect1d, [one.windows.starts + one.windows.length for one in evaluators])
    if not len(moments):
        need = longest + _fitted(members[0]).horizon
        found = f"{len(part):,} times, and a window with its truth has {need:,}"
        raise DataError([DataProblem(part.file, found, f"Give a table with at least {need:,} times.")])
    scores = _together([_of_moments(one, moments) for one in evaluators], weights).final(Task())
    fitted = _fitted(members[0])
    return {
        "num_rows": len(moments),
        "notes": [*given.notes, *_without_season(part, fitted, lookback=longest)],
        "metrics": scores["metrics"],
        "intervals": scores["intervals"],
        "forecast": scores["forecast"],
        "warnings": [*given.warnings, *say_missing(part, horizon=fitted.horizon), *scores["warnings"]],
    }


def _fitted(member: Predictor) -> TimelineFitted:
    assert isinstance(member.fitted, TimelineFitted)
    return member.fitted


def _evaluator(member: Predictor, plan: Plan, part: Stretch, *, lookback: int) -> ForecastEvaluator:
    """Return what measures one model."""
    fitted, companion, bands = _fitted(member), member.companion, member.calibrator
    windows = fitted.windows(part, lookback=lookback)
    beside = None
    if companion is not None:
        beside = ForecastBeside(companion.floor, windows, windows, plan.seed, share=companion.share, fitted=companion.fitted)
    # The model may have been trained on a device that is not here.
    own = plan.but(device=member.device, precision=member.precision)
    outlook = Outlook(beside, bands if isinstance(bands, Bands) else None)
    return ForecastEvaluator("test", part, windows, fitted, own, lambda _: member.module, outlook)


def _of_moments(evaluator: ForecastEvaluator, moments: np.ndarray) -> ForecastEvaluator:
    """Return an evaluator of the windows with these moments alone."""
    windows = evaluator.windows
    return replace(evaluator, windows=windows.select(np.searchsorted(windows.starts, moments - windows.length)))


def _together(evaluators: Sequence[ForecastEvaluator], weights: Sequence[float]) -> ForecastEvaluator:
    """Return what measures the mean of several models, or the one."""
    if len(evaluators) == 1:
        return evaluators[0]
    first = {one.name: getattr(evaluators[0], one.name) for one in fields(ForecastEvaluator)}
    outlook = Outlook(None, _mean_bands(evaluators, weights))
    return MeanEvaluator(**{**first, "outlook": outlook}, members=tuple(evaluators), weights=tuple(weights))


def _mean_bands(evaluators: Sequence[ForecastEvaluator], weights: Sequence[float]) -> Bands | None:
    """Return the mean of the members' bands, on the scale of the first; None where one has none, or of other levels."""
    bands = [one.outlook.bands for one in evaluators]
    first = bands[0]
    if first is None or not all(one is not None and one.levels == first.levels for one in bands):
        return None
    offsets = [one.array() * own.windows.std for one, own in zip(bands, evaluators, strict=True) if one is not None]
    mean_QHC = sum(weight * own for weight, own in zip(weights, offsets, strict=True))
    return Bands.of(np.asarray(mean_QHC / evaluators[0].windows.std), first.levels)


def _without_season(part: Stretch, fitted: TimelineFitted, *, lookback: int) -> list[str]:
    """Tell of moments that are not measured, since seasonal-naive, by which forecasts are judged, looks at a season before."""
    count = lookback - fitted.length
    if count <= 0:
        return []
    span = "a season of " * (lookback == fitted.season) + fitted.interval.say_span(lookback)
    return [f"{part.file}: the first {count:,} moments are not measured: {span} has to be before one"]
