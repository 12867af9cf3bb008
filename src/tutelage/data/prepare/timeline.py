"""Series on one scale, without gaps, in windows: what was measured before a moment, the calendar, and what came after.

Each series gets mean 0 and deviation 1 over the train times; answers are brought back to its unit. A gap is filled with the last
value before it, a long one with those of the season before, so that nothing of the time after a moment is ever seen before it.

Shape letters: T times, C series, K numbers known beforehand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.shape.forecast import ForecastShape
from tutelage.core.typed import Size, take
from tutelage.data.part.base import Part
from tutelage.data.part.interval import Interval, Kind
from tutelage.data.part.stretch import Stretch
from tutelage.data.part.timeline import TimelinePart
from tutelage.data.prepare.base import Fitted, Prepare, unsuited
from tutelage.data.prepare.calendar import Circle, calendar_names, calendar_values
from tutelage.data.prepare.gaps import filled, steps_of_last
from tutelage.data.prepare.scaling import column_scales
from tutelage.data.prepare.season import find_season
from tutelage.data.rows.histories import HistoryRows
from tutelage.data.rows.history import HistoryPart

__all__ = ["Timeline", "TimelineFitted", "as_timeline_part"]

Steps = Annotated[int, Field(ge=0, le=2**31)]
Step = Annotated[int, Field(gt=0, le=2**62)]
"""Microseconds, at most some thousand years."""
Day = Annotated[int, Field(ge=1, le=31)]
LEAST_WINDOWS = 3
"""Of train, validation and test at least, for series that go on being learned with a window that is there."""
READING: Mapping[str, Any] = {
    "time_column": str,
    "series_id": str,
    "columns": list[str],
    "known": list[str],
    "by_series": list[str],
    "dates": dict[str, str],
}
"""Settings of the source that travel with the model."""


class Timeline(Prepare):
    """Settings of the preprocessing of series that are continued."""

    kind: Literal["timeline"] = "timeline"
    length: int = Field(0, ge=0, le=100_000, description="Times before the moment that the model sees; 0 = by season and data.")
    season: int = Field(0, ge=0, le=100_000, description="Steps after which values come again, 1 = never; 0 = found out.")
    calendar: bool = Field(True, description="Whether the model is told day, week and year of each time, where these may matter.")
    horizon: int = Field(0, ge=0, le=100_000, description="Times to forecast; the task says it: task.horizon.")

    def fit(self, part: Part) -> "TimelineFitted":
        """Learn mean and deviation of each series.

        Raises:
            DataError: Not such series.
        """
        series = as_timeline_part(part)
        season, why = (self.season, "as you said") if self.season else find_season(series.values, series.interval)
        horizon, length = max(1, self.horizon), max(1, self.length)
        names = calendar_names(series.interval, span=int(np.ptp(series.times[[0, -1]]))) if self.calendar else ()
        mean_C, std_C = column_scales(series.values)
        known_mean, known_std = column_scales(series.known)
        return TimelineFitted(
            tuple(mean_C.tolist()),
            tuple(std_C.tolist()),
            (tuple(known_mean.tolist()), tuple(known_std.tolist())),
            series.series,
            series.interval,
            length,
            horizon,
            season,
            steps_of_last((series.values - mean_C) / std_C, season),
            names,
            why,
            dict(series.reading),
        )

    def restore(self, state: Mapping[str, Any]) -> "TimelineFitted":
        """Rebuild what `TimelineFitted.state` returned."""
        mean, std, known_mean, known_std = (
            tuple(float(value) for value in state[key]) for key in ("mean", "std", "known_mean", "known_std")
        )
        if not mean or len(mean) != len(std) or min(std) <= 0 or not np.isfinite([*mean, *std]).all():
            raise ValueError(f"mean {mean} and std {std} of the series do not belong together")
        if (
            len(known_mean) != len(known_std)
            or min(known_std, default=1) <= 0
            or not np.isfinite([*known_mean, *known_std]).all()
        ):
            raise ValueError(f"mean {known_mean} and std {known_std} of what is known beforehand do not belong together")
        said = take(state, "interval", dict)
        interval = Interval(take(said, "kind", Kind), take(said, "size", Step), take(said, "day", Day))
        series = tuple(str(name) for name in state["series"])
        if len(series) != len(mean):
            raise ValueError(f"{len(series)} names of {len(mean)} series")
        length, horizon, season = (take(state, key, Size) for key in ("length", "horizon", "season"))
        hold = take(state, "hold", Steps)
        names = tuple(take(state, "calendar", list[Circle]))
        reading = take(state, "reading", dict)
        if not set(reading) <= set(READING):
            raise ValueError(f"reading has {', '.join(map(str, reading))}: expected {', '.join(READING)}")
        return TimelineFitted(
            mean,
            std,
            (known_mean, known_std),
            series,
            interval,
            length,
            horizon,
            season,
            hold,
            names,
            "",
            {key: take(reading, key, READING[key]) for key in reading},
        )


@dataclass(frozen=True)
class TimelineFitted(Fitted):
    """Fitted preprocessing of series that are continued.

    Attributes:
        mean: Of each series, over the train times.
        std: The same for the deviation, > 0.
        known_scale: Mean and deviation of what is known beforehand.
        series: Their names.
        interval: Their step.
        length: Times before the moment.
        horizon: Times after it.
        season: Steps after which values come again; 1 where they do not.
        hold: Steps of a gap for which its last value stands; beyond, what was a season before.
        calendar: The circles of the calendar that the model is told.
        why: Why the season is what it is.
        read: Settings of the source by which the table was read.
    """

    input_source = "timeline"
    is_of_its_data = True

    mean: tuple[float, ...]
    std: tuple[float, ...]
    known_scale: tuple[tuple[float, ...], tuple[float, ...]]
    series: tuple[str, ...]
    interval: Interval
    length: int
    horizon: int
    season: int
    hold: int
    calendar: tuple[str, ...]
    why: str = ""
    read: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> ForecastShape:
        """What a model receives."""
        known = len(self.known_scale[0]) + 2 * len(self.calendar)
        return ForecastShape(channels=len(self.series), length=self.length, horizon=self.horizon, known=known, season=self.season)

    def apply(self, part: Part) -> HistoryRows:
        """Return all windows of a part whose truth was measured, at least in part."""
        series = as_timeline_part(part)
        return self.rows_of(series, self.windows(series))

    def rows_of(self, part: Stretch, windows: HistoryPart) -> HistoryRows:
        """Return windows of a part as the model takes them."""
        count = int(windows.starts.max(initial=0)) + self.length + self.horizon
        past = windows.past.astype(np.float32)
        return HistoryRows(
            past,
            self.known(part, max(count, len(part))),
            # Without gaps both are the same numbers, which are held once.
            past if windows.past is windows.measured else windows.measured.astype(np.float32),
            windows.starts,
            length=self.length,
            horizon=self.horizon,
        )

    @property
    def lookback(self) -> int:
        """Times before a moment that answers may depend on: the window, or the season that seasonal-naive says again."""
        return max(self.length, self.season)

    def windows(self, part: Stretch, *, lookback: int = 0) -> HistoryPart:
        """Return all windows of a part that have a value before and one after the moment, one step after the other.

        Args:
            part: The stretch of time.
            lookback: How many times at its beginning are only looked back at: no moment is before their end.
        """
        self._require_fitting(part)
        measured_TC = (part.values - np.array(self.mean)) / np.array(self.std)
        total_T = np.r_[0, (~np.isnan(measured_TC)).any(axis=1).cumsum()]
        first = max(0, lookback - self.length)
        start_N = np.arange(first, max(first, len(part) - self.length - self.horizon + 1))
        moment_N = start_N + self.length
        usable_N = (total_T[moment_N] > total_T[start_N]) & (total_T[moment_N + self.horizon] > total_T[moment_N])
        return self._windows(part, measured_TC, start_N[usable_N])

    def latest(self, part: Stretch, *, last: int) -> HistoryPart:
        """Return the one window whose moment follows the time at place `last`."""
        self._require_fitting(part)
        measured_TC = (part.values - np.array(self.mean)) / np.array(self.std)
        return self._windows(part, measured_TC, np.array([last + 1 - self.length]))

    def known(self, part: Stretch, count: int) -> np.ndarray:
        """Return what is known of a part's first `count` times, which may be more than it has: float32 [count, K]."""
        told = calendar_values(self.interval.times(part.start, count), self.calendar)
        return np.concatenate([self._named(part, count).astype(np.float32), told], axis=1)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        return {
            "mean": list(self.mean),
            "std": list(self.std),
            "known_mean": list(self.known_scale[0]),
            "known_std": list(self.known_scale[1]),
            "series": list(self.series),
            "interval": self.interval.state(),
            "length": self.length,
            "horizon": self.horizon,
            "season": self.season,
            "hold": self.hold,
            "calendar": list(self.calendar),
            "reading": dict(self.read),
        }

    def misfit(self, part: Part) -> str:
        """Return why other series cannot be cut into its windows; "" where they can."""
        if not isinstance(part, TimelinePart):
            return super().misfit(part)
        needed = LEAST_WINDOWS * (self.length + self.horizon)
        return f"its windows of {self.length + self.horizon:,} times are long for {len(part):,}" if len(part) < needed else ""

    def lasting(self, part: Part) -> dict[str, Any]:
        """Return window, horizon and calendar, where other series are long enough for them."""
        return {} if self.misfit(part) else {"length": self.length, "horizon": self.horizon, "calendar": bool(self.calendar)}

    def entries(self) -> dict[str, tuple[str, ...]]:
        """Return what is known of each time beforehand."""
        named = tuple(self.read.get("known", ()))
        named = named if len(named) == len(self.known_scale[0]) else tuple(f"known {k}" for k in range(len(self.known_scale[0])))
        return {"known": named + tuple(f"{wave} of the {name}" for name in self.calendar for wave in ("sine", "cosine"))}

    def reading(self) -> dict[str, Any]:
        """Return what the columns of a table are."""
        said = {key: value for key, value in self.read.items() if value and key != "columns"}
        return said | {"target": ",".join(self.read.get("columns", ()))}

    def say(self) -> str:
        """Write lengths and scale."""
        calendar = f", told the place in {' and '.join(self.calendar)}" if self.calendar else ""
        return f"{self.shape.say()}, each standardized by its train times{calendar}"

    def _named(self, part: Stretch, count: int) -> np.ndarray:
        """Return the columns known beforehand of a part's first `count` times, float64 [count, K]; where empty, their mean."""
        mean_K, std_K = (np.array(each) for each in self.known_scale)
        named_TK = np.zeros((count, len(mean_K)))
        there = min(count, len(part))
        scaled = (part.known[:there] - mean_K) / std_K
        named_TK[:there] = np.where(np.isnan(scaled), 0.0, scaled)
        return named_TK

    def _windows(self, part: Stretch, measured_TC: np.ndarray, starts: np.ndarray) -> HistoryPart:
        reach = int(starts.max(initial=0)) + self.length + self.horizon
        return HistoryPart(
            name=part.name,
            past=filled(measured_TC, season=self.season, hold=self.hold),
            measured=measured_TC,
            starts=starts,
            length=self.length,
            horizon=self.horizon,
            season=self.season,
            mean=np.array(self.mean),
            std=np.array(self.std),
            fingerprint=part.fingerprint,
            known=self._named(part, max(reach, len(part))),
            hold=self.hold,
        )

    def _require_fitting(self, part: Stretch) -> None:
        """Refuse other series than those of the training."""
        if part.series != self.series:
            raise DataError([self._other_series(part)])
        if part.interval != self.interval:
            found = f"a step of {part.interval.say()}, where the model has {self.interval.say()}"
            raise DataError([DataProblem(part.file, found, "Give series measured at the same step.")])
        self._require_known(part)

    def _require_known(self, part: Stretch) -> None:
        """Refuse series of which other things are known beforehand than in the training."""
        count, known = part.known.shape[1], len(self.known_scale[0])
        if count != known:
            found = f"{count:,} columns are known beforehand ({', '.join(part.known_names[:6])}), where the model has {known:,}"
            remedy = "What was the same for all series in the training has to be so here too."
            raise DataError([DataProblem(part.file, found, remedy)])

    def _other_series(self, part: Stretch) -> DataProblem:
        """Say which series of the model are not there."""
        missing = [name for name in self.series if name not in part.series]
        if not missing:
            found = f"series {', '.join(part.series[:6])}, where the model has {', '.join(self.series[:6])}"
            return DataProblem(part.file, found, "Give a table with the series of the training, in their order.")
        shown = ", ".join(missing[:6]) + (f" and {len(missing) - 6:,} more" if len(missing) > 6 else "")
        named_by = self.read.get("series_id", "")
        where, what = (f"{part.file}, column {named_by}", "rows") if named_by else (part.file, "columns")
        found = f"no {what} of {len(missing):,} of the {len(self.series):,} series that the model goes on with: {shown}"
        return DataProblem(where, found, f"Give a table with {what} of all of them, or train again without these.")


def as_timeline_part(part: Part) -> TimelinePart:
    """Return the part if it is a stretch of series.

    Raises:
        DataError: It is not.
    """
    if isinstance(part, TimelinePart):
        return part
    raise unsuited(part, "these are no series with times", "series with times: a table with a column of dates")
