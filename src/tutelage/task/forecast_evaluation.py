"""What forecasts are measured by: errors by step ahead and by series beside seasonal-naive, bands, and examples to look at.

Shape letters: N windows, B windows of a batch, H steps ahead, C series, Q levels.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from torch import nn

from tutelage.calibrate.bands import Bands
from tutelage.core.events import Event
from tutelage.data.part.stretch import Stretch
from tutelage.data.prepare.timeline import TimelineFitted
from tutelage.data.rows.histories import HistoryRows
from tutelage.data.rows.history import HistoryPart
from tutelage.floor.forecasts import last_season
from tutelage.metric.forecast_outcome import ForecastOutcome
from tutelage.planning.plan import Plan
from tutelage.task.answering import answer_batches
from tutelage.task.base import Task
from tutelage.task.beside import mixed
from tutelage.task.forecast_bands import LEVELS, fit_bands, say_narrow
from tutelage.task.forecast_beside import ForecastBeside, apart
from tutelage.task.forecast_record import ForecastSums
from tutelage.task.measured import Measured, UnitTallies, measured_metrics

__all__ = ["BANDS_80", "ForecastEvaluator", "Outlook", "Forecasted", "outcome_of"]

BANDS_80 = (0.1, 0.9)
"""Levels between which 80 % of the values are to lie."""
MOST_VALUES = 2_000_000
"""Numbers of a batch of windows, those before the moment and those after it, at most."""
MOST_KEPT = 20_000_000
"""Forecast values that are kept to choose and to make bands of."""
PROBED = 100_000
"""Forecast values of which bands are made to see how long that takes."""
LEAST_BLOCK = 16
"""Windows that follow each other and are one unit of uncertainty, at least."""
NO_GUESS = ("needs_bands", "is_yardstick")
"""What metrics say of themselves in which a guess is not compared."""
GUESS, GUESS_WITHOUT_SEASON = "saying the last season again (seasonal-naive)", "saying the last value again (naive)"


@dataclass
class Outlook:
    """What is decided once training has ended.

    Attributes:
        beside: The floor; None where there is none.
        bands: What is added to forecasts for each level; None before the end.
    """

    beside: ForecastBeside | None
    bands: Bands | None = None


@dataclass(frozen=True)
class Forecasted:
    """Forecasts of a batch of windows, standardized float64 [B, H, C].

    Attributes:
        rows: The windows' numbers.
        forecast: What leaves.
        network: What the network says.
        floor: What the floor says; None where there is none.
        naive: What seasonal-naive says.
        truth: NaN where nothing was measured.
    """

    rows: np.ndarray
    forecast: np.ndarray
    network: np.ndarray
    floor: np.ndarray | None
    naive: np.ndarray
    truth: np.ndarray

    def part(self, chosen: np.ndarray) -> "Forecasted":
        """Return some of the windows."""
        own = (self.rows, self.forecast, self.network, self.naive, self.truth)
        rows, forecast, network, naive, truth = (values[chosen] for values in own)
        return Forecasted(rows, forecast, network, None if self.floor is None else self.floor[chosen], naive, truth)


@dataclass(frozen=True)
class ForecastEvaluator(Measured):
    """One stretch of time with what is measured on it.

    Attributes:
        name: The part's name, which begins the metrics' names, such as `val`.
        part: The stretch, with the times before it.
        windows: Its windows.
        fitted: The preprocessing.
        plan: Metrics, device, precision.
        answering: Makes the module that answers out of a task's present network.
        outlook: Floor and bands, once they are decided.
        is_watched: Whether early stopping judges by this part.
    """

    name: str
    part: Stretch
    windows: HistoryPart
    fitted: TimelineFitted
    plan: Plan
    answering: Callable[[Task], nn.Module]
    outlook: Outlook = field(default_factory=lambda: Outlook(None))
    is_watched: bool = False

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def metrics(self) -> tuple[Any, ...]:
        """What is measured; of what bands hold, other times than those that they were made of have to tell."""
        metrics = measured_metrics(self.plan, is_watched=self.is_watched)
        has_bands = self._is_held_out and self.outlook.bands is not None
        return tuple(metric for metric in metrics if has_bands or not getattr(metric, "needs_bands", False))

    @cached_property
    def rows(self) -> HistoryRows:
        """All windows as the network takes them."""
        return self.fitted.rows_of(self.part, self.windows)

    def __call__(self, task: Task) -> dict[str, float]:
        """Return each metric by name, such as `val/mse`; of the network alone while training."""
        return self.measure(self.outcome(told, told.network if not self._share else told.forecast) for told in self.told(task))

    def final(self, task: Task) -> dict[str, Any]:
        """Return metrics, intervals from the spread between stretches, the guess, and what the report shows of forecasts."""
        unit_N = apart(self.windows, least=LEAST_BLOCK)
        tallies, alone, floor = self.tallies(), self.tallies(), self.tallies()
        units = [UnitTallies(metric, num_units=int(unit_N.max(initial=-1)) + 1) for metric in self.metrics]
        sums = ForecastSums(self.windows, self.outlook.bands, is_held_out=self._is_held_out)
        for told in self.told(task):
            sums.add(told)
            unit_B = unit_N[told.rows]
            for number in np.unique(unit_B[unit_B >= 0]).tolist():
                outcome = self.outcome(part := told.part(unit_B == number), part.forecast)
                for own in units:
                    own.add(outcome, unit=number)
            for group, answers in ((tallies, told.forecast), (alone, told.network), (floor, told.floor)):
                if answers is not None:
                    outcome = self.outcome(told, answers)
                    for tally in group:
                        tally.add(outcome)
        values = self.named(tally.value() for tally in tallies)
        intervals = [own.interval(seed=self.plan.seed, estimate=value) for own, value in zip(units, values.values(), strict=True)]
        shown = sums.record(self.part, self.fitted, tell=lambda rows: next(self.told(task, rows)))
        described = GUESS if self.windows.season > 1 else GUESS_WITHOUT_SEASON
        held = [high for metric, (_, high) in zip(self.metrics, intervals, strict=True) if getattr(metric, "needs_bands", False)]
        narrow = say_narrow(shown["coverage"], upper=held[0] if held else np.nan)
        return {
            **self.record(values, intervals=intervals, baseline=self.guess(), described=described),
            "forecast": shown,
            "warnings": [narrow] if narrow else [],
            **self._say_beside(self.named(t.value() for t in alone), self.named(t.value() for t in floor)),
        }

    def choose(self, task: Task) -> str:
        """Decide by this part whether network, floor or both leave, and make bands of what is left over; returns why."""
        rows = self._kept
        network_NHC = np.concatenate([told.network for told in self.told(task, rows, with_floor=False)])
        windows, beside = self.windows.select(rows), self.outlook.beside
        forecast_NHC = network_NHC
        if beside is not None:
            beside.choose(network_NHC, windows)
            if beside.share:
                forecast_NHC = mixed(network_NHC, beside.answers(windows), share=beside.share)
        span = int(np.ptp(windows.starts)) + 1
        self.outlook.bands = Bands.of(fit_bands(windows.truths() - forecast_NHC, LEVELS, span=span), LEVELS)
        return "" if beside is None else beside.reason

    def reserve_seconds(self, per_row: float) -> float:
        """Return about how long `choose` takes: answers once more, and bands, by the time of those of a few numbers.

        Args:
            per_row: Seconds to evaluate one window.
        """
        windows, count = self.windows, len(self._kept)
        each = windows.horizon * windows.channels
        few = max(1, min(count, PROBED // each))
        noise_NHC = np.random.default_rng(0).normal(size=(few, windows.horizon, windows.channels))
        began = time.monotonic()
        Bands.of(fit_bands(noise_NHC, LEVELS, span=count), LEVELS)
        return count * per_row + (time.monotonic() - began) * count / few

    def measure_guess(self) -> Mapping[str, float]:
        """Return what seasonal-naive reaches; what does not depend on the forecast is no guess."""
        judging = [metric for metric in self.metrics if not any(getattr(metric, name, False) for name in NO_GUESS)]
        tallies = {metric.kind: metric.tally() for metric in judging}
        for rows in self._batches(np.arange(len(self))):
            naive, truth = self._naive(rows), self.windows.truths(rows)
            outcome = self.outcome(Forecasted(rows, naive, naive, None, naive, truth), naive)
            for tally in tallies.values():
                tally.add(outcome)
        return {f"{self.name}/{kind}": tally.value() for kind, tally in tallies.items()}

    def told(self, task: Task, rows: np.ndarray | None = None, *, with_floor: bool = True) -> Iterator[Forecasted]:
        """Yield forecasts of windows, batch by batch, in order."""
        chosen = np.arange(len(self)) if rows is None else rows
        windows, beside = self.windows.select(chosen), self.outlook.beside if with_floor else None
        batches = answer_batches(
            self.answering(task),
            self.rows.at(windows.starts),
            batch_size=self._batch_size,
            device=self.plan.device,
            precision=self.plan.precision,
        )
        for numbers, answers in batches:
            own, network = chosen[numbers.numpy()], answers.double().numpy()
            floor = None if beside is None or beside.fitted is None else beside.answers(self.windows.select(own))
            forecast = network if floor is None else mixed(network, floor, share=self._share)
            yield Forecasted(own, forecast, network, floor, self._naive(own), self.windows.truths(own))

    def outcome(self, told: Forecasted, forecast: np.ndarray) -> ForecastOutcome:
        """Return forecasts of all values that were measured."""
        return outcome_of(told, forecast, self.windows, self.outlook.bands)

    def events(self, task: Task, *, step: int) -> tuple[Event, ...]:
        """Return nothing: the metrics say all."""
        return ()

    @property
    def _kept(self) -> np.ndarray:
        """Numbers of the windows to choose and to make bands by: all, or as many as memory holds, evenly spaced."""
        step = max(1, -(-len(self) * self.windows.horizon * self.windows.channels // MOST_KEPT))
        return np.arange(0, len(self), step)

    @property
    def _is_held_out(self) -> bool:
        """Whether the bands were made of other times."""
        return self.name == "test"

    @property
    def _share(self) -> float:
        return 0.0 if self.outlook.beside is None else self.outlook.beside.share

    @property
    def _batch_size(self) -> int:
        """Windows of a batch."""
        numbers = self.windows.channels + self.fitted.shape.known
        return max(1, MOST_VALUES // ((self.windows.length + self.windows.horizon) * numbers))

    def _batches(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        for begin in range(0, len(rows), self._batch_size):
            yield rows[begin : begin + self._batch_size]

    def _naive(self, rows: np.ndarray) -> np.ndarray:
        return last_season(self.windows, rows, season=self.windows.season)

    def _say_beside(self, alone: Mapping[str, float], floor: Mapping[str, float]) -> dict[str, Any]:
        """Return what result.json says of the floor: what each of the two reaches alone."""
        beside = self.outlook.beside
        if beside is None or beside.fitted is None:
            return {}
        return {"floor": {**beside.record(), "metrics": {"network": alone, "floor": floor}}}


def outcome_of(told: Forecasted, forecast: np.ndarray, windows: HistoryPart, bands: Bands | None) -> ForecastOutcome:
    """Return forecasts [B, H, C] of all values that were measured, flat, with their bands where there are any."""
    is_measured = ~np.isnan(told.truth)
    unit = np.broadcast_to(windows.std, told.truth.shape)[is_measured]
    ends: list[np.ndarray | None] = [None, None]
    if bands is not None:
        offsets = bands.array()
        ends = [(forecast + offsets[bands.levels.index(level)])[is_measured] for level in BANDS_80]
    return ForecastOutcome(
        forecast[is_measured], told.truth[is_measured], None, told.naive[is_measured], unit, low=ends[0], high=ends[1]
    )
