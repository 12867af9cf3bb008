"""What result.json shows of forecasts: errors by step ahead and by series, coverage of the bands, and examples.

Shape letters: N windows, B windows of a batch, H steps ahead, C series.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tutelage.calibrate.bands import Bands
from tutelage.data.part.interval import iso_time
from tutelage.data.part.stretch import Stretch
from tutelage.data.prepare.timeline import TimelineFitted
from tutelage.data.rows.history import HistoryPart
from tutelage.task.forecast_bands import band_coverage

__all__ = ["ForecastSums"]

MOST_SERIES, MOST_WORST = 6, 3
"""Series of which a typical forecast is shown, and of these the ones of which the worst is shown too."""
MOST_PAST = 200
DIGITS = 6


class ForecastSums:
    """Sums over all windows, batch by batch."""

    def __init__(self, windows: HistoryPart, bands: Bands | None, *, is_held_out: bool) -> None:
        """Begin with nothing; only windows that the bands were not made of tell how much these hold."""
        self._windows, self._bands, self._is_held_out = windows, bands, is_held_out
        shape = (windows.horizon, windows.channels)
        self._count_HC = np.zeros(shape)
        self._sums = {name: np.zeros(shape) for name in ("square", "size", "naive")}
        self._loss_NC = np.full((len(windows), windows.channels), np.nan)
        self._held: dict[str, float] = {}
        self._measured = 0

    def add(self, told: Any) -> None:
        """Take a batch of forecasts."""
        error, naive = told.forecast - told.truth, told.naive - told.truth
        is_measured = ~np.isnan(told.truth)
        self._count_HC += is_measured.sum(axis=0)
        for name, values in (("square", error**2), ("size", np.abs(error)), ("naive", np.abs(naive))):
            self._sums[name] += np.where(is_measured, values, 0.0).sum(axis=0)
        count_BC = is_measured.sum(axis=1)
        loss_BC = np.where(is_measured, error**2, 0.0).sum(axis=1) / np.maximum(count_BC, 1)
        self._loss_NC[told.rows] = np.where(count_BC > 0, loss_BC, np.nan)
        if self._bands is not None and self._is_held_out:
            offsets_QHC = self._bands.array()
            count = int((is_measured & np.isfinite(offsets_QHC[0])).sum())
            for share, held in band_coverage(-error, offsets_QHC, self._bands.levels).items():
                self._held[share] = self._held.get(share, 0.0) + (held * count if count else 0.0)
            self._measured += count

    def record(self, part: Stretch, fitted: TimelineFitted, *, tell: Callable[[np.ndarray], Any]) -> dict[str, Any]:
        """Return all of it for result.json.

        Args:
            part: The stretch of time.
            fitted: The preprocessing, which knows names and units.
            tell: Returns forecasts of some windows, by their numbers.
        """
        by_step = {name: _mean(total.sum(axis=1), self._count_HC.sum(axis=1)) for name, total in self._sums.items()}
        by_series = {name: _mean(total.sum(axis=0), self._count_HC.sum(axis=0)) for name, total in self._sums.items()}
        return {
            "horizon": self._windows.horizon,
            "unit": fitted.interval.unit,
            "series": list(fitted.series),
            "by_step": {
                "mse": _rounded(by_step["square"]),
                "mae": _rounded(by_step["size"]),
                "naive_mae": _rounded(by_step["naive"]),
            },
            "by_series": [
                {
                    "name": name,
                    "mse": _one(by_series["square"][c]),
                    "mae": _one(by_series["size"][c]),
                    "mae_units": _one(by_series["size"][c] * fitted.std[c]),
                    "naive_mae_units": _one(by_series["naive"][c] * fitted.std[c]),
                }
                for c, name in enumerate(fitted.series)
            ],
            "examples": [self._example(part, fitted, row, c, tell) for row, c in self._chosen()],
            "coverage": {share: _one(held / self._measured) for share, held in self._held.items() if self._measured},
        }

    def _chosen(self) -> list[tuple[int, int]]:
        """Return window and series of the examples: a typical one of each of some series, the worst of a few."""
        channels = self._windows.channels
        shown = np.unique(np.linspace(0, channels - 1, min(channels, MOST_SERIES)).astype(np.int64)).tolist()
        found: list[tuple[int, int]] = []
        for place, c in enumerate(shown):
            known = np.flatnonzero(~np.isnan(self._loss_NC[:, c]))
            if not len(known):
                continue
            ordered = known[np.argsort(self._loss_NC[known, c], kind="stable")]
            rows = [int(ordered[len(ordered) // 2]), *([int(ordered[-1])] if place < MOST_WORST else [])]
            found += [(row, c) for row in dict.fromkeys(rows)]
        return found

    def _example(
        self, part: Stretch, fitted: TimelineFitted, row: int, c: int, tell: Callable[[np.ndarray], Any]
    ) -> dict[str, Any]:
        """Return one forecast of one series in its unit."""
        told, windows = tell(np.array([row])), self._windows
        moment = int(windows.starts[row]) + windows.length
        first = max(0, moment - min(2 * windows.horizon, MOST_PAST))
        forecast_H = told.forecast[0, :, c]
        quantiles = {}
        if self._bands is not None:
            offsets = self._bands.array()[:, :, c]
            quantiles = {f"{level:g}": self._units(forecast_H + offsets[q], c) for q, level in enumerate(self._bands.levels)}
        return {
            "series": fitted.series[c],
            "start": iso_time(part.at(moment), part.interval),
            "past": self._units(windows.measured[first:moment, c], c),
            "truth": self._units(told.truth[0, :, c], c),
            "quantiles": quantiles,
        } | {"forecast": self._units(forecast_H, c)}

    def _units(self, values: np.ndarray, c: int) -> list[float | None]:
        """Return values in the unit of a series."""
        return _rounded(values * self._windows.std[c] + self._windows.mean[c])


def _mean(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def _rounded(values: np.ndarray) -> list[float | None]:
    """Return numbers for people; None where there is none."""
    return [_one(value) for value in values.tolist()]


def _one(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
