"""How long a step takes once it has warmed up, from the times of a few: warm-up, blocks, drift.

The first steps of a training build kernels, fill caches and compile; they are told apart by a change point. What follows is
cut into blocks of whole periods (a rollout and its updates, say), since single steps of such trainings differ by design.

Source: the change point is that of the largest likelihood between two levels of the logarithm of the times, kept where it lowers
Schwarz's criterion (Estimating the Dimension of a Model, 1978); the drift is Theil's slope, the median of all slopes between two
blocks (A rank-invariant method of linear and polynomial regression analysis, 1950).
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

__all__ = ["Pace", "find_period", "measure_pace", "warm_up_length"]

MOST_BLOCKS, LEAST_BLOCKS = 16, 4
TRIM = 0.125
"""Share of the blocks left out at each end: a machine that is busy for a moment is no property of the training."""
LEAST_SPREAD, FEW_SPREAD = 0.005, 0.25
"""Relative standard error of a mean at best; and where there are too few steps to tell."""
SPIKE = 2.5
"""A step so many times as long as the median step is one that does something more, such as playing a rollout."""
MOST_PASSES = 3
"""Change points looked for, one after the other."""
CHANGE = 0.02
"""Relative difference of two levels that is no warm-up, whatever the noise says."""
TO_SIGMA = 1.4826
"""Median absolute deviation of a normal distribution times this is its standard deviation."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What steps cost.

    Attributes:
        seconds: Of one step, once warm.
        warm_up_seconds: What the first steps took beyond that, in all; a compiler's time is in it.
        spread: Relative standard error of `seconds`.
        drift: Relative change of `seconds` from the first block to the last.
        num_steps: Steps measured once warm.
    """

    seconds: float
    warm_up_seconds: float = 0.0
    spread: float = FEW_SPREAD
    drift: float = 0.0
    num_steps: int = 0

    def total(self, num_steps: int) -> float:
        """Return the seconds that so many steps take from the beginning on."""
        return self.warm_up_seconds + self.seconds * num_steps

    def record(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def measure_pace(times: Sequence[float], *, period: int = 0) -> Pace:
    """Return the pace of steps.

    Args:
        times: Seconds of each step from the first one on; at least one.
        period: Steps after which their kinds repeat; 0 = it is found.
    """
    seconds = np.asarray(times, dtype=float)
    period = period or find_period(seconds)
    skipped = warm_up_length(seconds, period=period)
    warm = seconds[skipped:]
    means = _block_means(warm, period=period)
    level = _trimmed(means)
    excess = float(seconds[:skipped].sum() - level * skipped)
    spread, drift = _spread(means, level), _drift(means, level)
    return Pace(level, max(excess, 0.0), spread, drift, len(warm))


def warm_up_length(seconds: np.ndarray, *, period: int = 1) -> int:
    """Return how many steps belong to the warm-up: whole periods, at most half of all steps."""
    sums = _periods(seconds, period)
    found = 1 if len(sums) > 1 else 0
    for _ in range(MOST_PASSES):
        further = _change_point(np.log(np.maximum(sums[found:], 1e-12)), most=len(sums) // 2 - found)
        if not further:
            break
        found += further
    return min(found * period, len(seconds) - 1) if len(seconds) > 1 else 0


def find_period(seconds: np.ndarray) -> int:
    """Return after how many steps their kinds repeat: the regular distance of the long ones; 1 where there is none."""
    longs = np.flatnonzero(seconds > SPIKE * np.median(seconds))
    # The first step is long in every training.
    gaps = np.diff(longs[longs > 0])
    if len(gaps) < 2:
        return 1
    usual = int(np.median(gaps))
    return usual if usual > 1 and float(np.mean(gaps == usual)) >= 0.6 else 1


def _periods(seconds: np.ndarray, period: int) -> np.ndarray:
    """Return the time of each whole period; of the steps where there is not even one."""
    whole = len(seconds) // period * period
    return seconds if whole < period or period == 1 else seconds[:whole].reshape(-1, period).sum(axis=1)


def _change_point(levels: np.ndarray, *, most: int) -> int:
    """Return after how many values a higher level ends; 0 where there is none."""
    count = len(levels)
    if count < LEAST_BLOCKS or most < 1:
        return 0
    # The noise is taken from neighbours, which a change of level hardly touches.
    noise = max(float(np.median(np.abs(np.diff(levels)))) * TO_SIGMA / np.sqrt(2), 1e-6)
    best, at = 0.0, 0
    for cut in range(1, most + 1):
        before, after = float(np.mean(levels[:cut])), float(np.median(levels[cut:]))
        gain = cut * (count - cut) / count * (before - after) ** 2 / noise**2
        if before - after > CHANGE and gain > best:
            best, at = gain, cut
    return at if best > 2 * np.log(count) + 4 else 0


def _block_means(seconds: np.ndarray, *, period: int) -> np.ndarray:
    """Return the mean time of a step in each block of whole periods."""
    sums = _periods(seconds, period)
    length = period if len(sums) < len(seconds) else 1
    blocks = np.array_split(sums, min(MOST_BLOCKS, len(sums)))
    return np.array([float(block.mean()) / length for block in blocks])


def _trimmed(means: np.ndarray) -> float:
    """Return the mean without the largest and smallest few."""
    left_out = int(TRIM * len(means))
    return float(np.sort(means)[left_out : len(means) - left_out].mean())


def _spread(means: np.ndarray, level: float) -> float:
    """Return the relative standard error of the mean of blocks."""
    if len(means) < LEAST_BLOCKS:
        return FEW_SPREAD / len(means)
    sigma = TO_SIGMA * float(np.median(np.abs(means - np.median(means))))
    return max(sigma / level / math.sqrt(len(means)), LEAST_SPREAD)


def _drift(means: np.ndarray, level: float) -> float:
    """Return the relative change over all blocks, by the median of the slopes between two."""
    if len(means) < LEAST_BLOCKS:
        return 0.0
    first, second = np.triu_indices(len(means), k=1)
    slope = float(np.median((means[second] - means[first]) / (second - first)))
    return float(slope * (len(means) - 1) / level)
