"""The floor beside a network that continues series: fitted to the train windows, judged by stretches of the validation part.

Windows that follow each other tell nearly the same, so that not windows are counted but stretches as long as the horizon. Windows
of neighboring stretches still have times in common that they forecast.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutelage.core.gain import Gain
from tutelage.data.rows.history import HistoryPart
from tutelage.floor.base import FittedFloor, Floor
from tutelage.floor.forecasts import ForecastFitted
from tutelage.floor.seasonal_naive import SeasonalNaive, SeasonalNaiveFitted
from tutelage.task.beside import ALONE, BOTH, mixed
from tutelage.task.companion import told, whose

__all__ = ["ForecastBeside", "apart", "blocks_of", "standard_error"]

CLEARLY = 2.0
"""Standard errors by which one alone has to be better than the mean of both."""
FEW_BLOCKS = 4
"""Stretches below which the validation part says little: then the floor comes first, if it is no worse than seasonal-naive."""
AFTERWARDS = 1.0
"""What learning once more and answering takes, as a multiple of fitting."""
NOTHING = np.empty(0)


@dataclass
class ForecastBeside:
    """A floor beside the network of one training.

    Attributes:
        floor: Which one; once it is decided, seasonal-naive where nothing else was as good.
        train: Windows to learn from.
        later: Windows over train and validation together, to learn from once it is decided.
        seed: The run's.
        share: Of the floor in the answers; decided when training has ended.
        seconds: How long fitting took.
        reason: Why the share is what it is.
        fitted: What leaves; None before it was fitted.
    """

    floor: Floor
    train: HistoryPart
    later: HistoryPart
    seed: int
    share: float = ALONE
    seconds: float = 0.0
    per_row: float = 0.0
    reason: str = ""
    fitted: FittedFloor | None = None
    _judged: FittedFloor | None = None

    @property
    def reserve_seconds(self) -> float:
        """What it may take at the end: answering, and fitting once more to the validation part too."""
        return AFTERWARDS * self.seconds

    def fit(self) -> None:
        """Fit to the train windows; the same each time."""
        began = time.monotonic()
        self.fitted = self._judged = self.floor.fit(self.train, NOTHING, num_classes=0, seed=self.seed)
        self.seconds = time.monotonic() - began

    def answers(self, windows: HistoryPart) -> np.ndarray:
        """Return the floor's forecasts, standardized [N, H, C]; of validation windows those made before it learned from them."""
        fitted = self._judged if windows.name == "validation" else self.fitted
        assert fitted is not None
        return fitted.answers(windows)

    def choose(self, network_NHC: np.ndarray, windows: HistoryPart) -> None:
        """Decide whose forecasts leave, by the mean squared error over stretches of validation windows."""
        truth_NHC, floor_NHC = windows.truths(), self.answers(windows)
        losses = {
            share: block_losses(mixed(network_NHC, floor_NHC, share=share) - truth_NHC, windows) for share in (ALONE, BOTH, 1.0)
        }
        means = {share: float(np.mean(loss)) for share, loss in losses.items()}
        naive = SeasonalNaiveFitted(windows.season, np.zeros(windows.channels))
        yardstick = float(np.mean(block_losses(naive.answers(windows) - truth_NHC, windows)))
        is_naive, self.share, why = _decided(losses, means, yardstick=yardstick)
        if is_naive:
            self.floor, self._judged = SeasonalNaive(), naive
        shown = ", ".join(f"{whose(share)} {mean:.4g}" for share, mean in means.items())
        self.reason = f"{why}. Mean squared error on the validation part: {shown}, seasonal-naive {yardstick:.4g}"
        if self.share:
            assert isinstance(self._judged, ForecastFitted)
            self.fitted = self._judged.refitted(self.later)

    def record(self) -> dict[str, Any]:
        """Return what result.json says of it, but for the scores."""
        return told(self, [])


def blocks_of(windows: HistoryPart) -> np.ndarray:
    """Return the number of the stretch that each window belongs to, int64 [N], from 0, rising."""
    return np.asarray((windows.starts - windows.starts[:1]) // windows.horizon)


def apart(windows: HistoryPart, *, least: int = 1) -> np.ndarray:
    """Return the number of the unit that each window belongs to, int64 [N], rising; -1 of those left out between two units.

    No two units have a time in common that their windows forecast.

    Args:
        windows: In order of time.
        least: Windows of a unit, at least; as many as the horizon has steps, if these are more.
    """
    size = max(windows.horizon, least)
    number_N, place_N = np.divmod(windows.starts - windows.starts[:1], size + windows.horizon - 1)
    is_kept_N = place_N < size
    unit_N = np.full(len(windows), -1)
    unit_N[is_kept_N] = np.unique(number_N[is_kept_N], return_inverse=True)[1]
    return unit_N


def standard_error(value_N: np.ndarray) -> float:
    """Return the standard error of the mean of values in order of time, of which neighbors may go together."""
    count = len(value_N)
    centred_N = value_N - value_N.mean()
    own, with_next = float((centred_N**2).sum()), float((centred_N[1:] * centred_N[:-1]).sum())
    return float(np.sqrt((own + 2 * max(with_next, 0.0)) / (count - 1) / count))


def block_losses(error_NHC: np.ndarray, windows: HistoryPart) -> np.ndarray:
    """Return the mean squared error of each stretch in which something was measured."""
    square_N, count_N = np.nansum(error_NHC**2, axis=(1, 2)), (~np.isnan(error_NHC)).sum(axis=(1, 2))
    blocks = blocks_of(windows)
    total, count = np.bincount(blocks, weights=square_N), np.bincount(blocks, weights=count_N)
    return np.asarray(total[count > 0] / count[count > 0])


def _decided(losses: dict[float, np.ndarray], means: dict[float, float], *, yardstick: float) -> tuple[bool, float, str]:
    """Return whether seasonal-naive takes the floor's place, the floor's share, and why.

    Args:
        losses: Of each stretch, by the floor's share.
        means: Their means.
        yardstick: What seasonal-naive reaches.
    """
    if yardstick < min(means.values()):
        return True, 1.0, "seasonal-naive, which learned nothing, has the smallest error, so it leaves in place of the floor"
    count = len(losses[BOTH])
    if count < FEW_BLOCKS:
        stretches = f"{count} stretch{'es' * (count != 1)} of a horizon's length"
        little = f"the validation part is {stretches}, too little to choose by, and there the errors of the network, and of the "
        little += "mean with it, are too good, since its best weights were chosen by them"
        is_naive, share, why = _safest(means, yardstick=yardstick)
        return is_naive, share, f"{little}{why}"
    best = min(means, key=lambda share: means[share])
    better = losses[BOTH] - losses[best]
    if best != BOTH and Gain(float(better.mean()), standard_error(better)).is_clear(errors=CLEARLY):
        return False, best, f"clearly the best over {count} stretches of a horizon's length"
    return False, BOTH, f"no one alone is clearly better over {count} stretches of a horizon's length"


def _safest(means: dict[float, float], *, yardstick: float) -> tuple[bool, float, str]:
    """Return the same where little can be told: what was not chosen by the validation part comes before the network."""
    if means[1.0] <= min(means[ALONE], yardstick):
        return False, 1.0, ": even so the floor's is no larger than the network's"
    if means[1.0] <= yardstick:
        return False, 1.0, ": the floor, which is no worse than seasonal-naive, is the safer one"
    if means[ALONE] <= yardstick:
        return True, BOTH, "; but the floor is worse than seasonal-naive, and the network is not: the mean of these two leaves"
    return True, 1.0, "; but both are worse than seasonal-naive, which leaves in place of the floor"
