"""Scales numbers to about mean 0 and spread 1, with outliers held in: by mean and deviation, or by rank.

Not a component: the preprocessings of tables, arrays and series use it.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch

from tutelage.core.typed import Finite, Positive, take
from tutelage.data.prepare.change import say_less, say_value

__all__ = [
    "FIT_SCALE",
    "QuantileScale",
    "Scale",
    "StandardScale",
    "column_scales",
    "fit_quantile",
    "fit_standard",
    "restore_scale",
]

MAX_KNOTS = 1000
"""Quantiles kept for a column at most: 0.1 % steps, 16 kB as text."""
ROWS_PER_KNOT = 30
"""Train rows behind each knot, so that a rank is not learned by heart; as in TabM's preprocessing."""
MIN_KNOTS = 10
SMALLEST_DEVIATION = 1e-12
"""Of many values, as a share of their mean: what varies less is constant."""
SMALLEST, LARGEST = 1e-100, 1e100
"""Numbers between these can be squared and summed as they are."""


@dataclass(frozen=True)
class StandardScale:
    """(value - mean) / deviation, clipped.

    Attributes:
        mean: In the column's unit.
        deviation: Standard deviation in the column's unit, more than 0.
        clip: Largest absolute value given out, in deviations.
    """

    mean: float
    deviation: float
    clip: float

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return float32 [N] in [-clip, clip]; NaN becomes 0, the mean."""
        with np.errstate(over="ignore"):  # what is too far away for a number is clipped all the same
            scaled = np.clip((values - self.mean) / self.deviation, -self.clip, self.clip)
        filled: np.ndarray = np.nan_to_num(scaled, nan=0.0).astype(np.float32)
        return filled

    def how(self, value: float) -> str:
        """Write how a number is scaled."""
        if np.isnan(value):
            return "missing: the mean, which is 0"
        scaled = (value - self.mean) / self.deviation
        held = f", held within {self.clip:g}" if abs(scaled) > self.clip else ""
        return f"({say_value(value)} {say_less(self.mean)}) / {say_value(self.deviation)} = {say_value(scaled)}{held}"

    def state(self) -> dict[str, Any]:
        """Return the scale as JSON values."""
        return {"scale": "standard", **asdict(self)}


@dataclass(frozen=True)
class QuantileScale:
    """The value's rank among the train rows, as a quantile of the normal distribution.

    Equal train values share the middle of their ranks; values between two knots are interpolated, those outside the
    train range get the outermost rank.

    Attributes:
        knots: Values at equally spaced ranks 0..1, rising, in the column's unit.
        clip: Largest absolute value given out, in deviations of the normal distribution.
    """

    knots: tuple[float, ...]
    clip: float

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return float32 [N] in [-clip, clip]; NaN becomes 0, the median's rank."""
        unit = _unit(np.array(self.knots))
        knots = np.array(self.knots) / unit
        with np.errstate(over="ignore"):
            values = values / unit
        ranks = np.linspace(0.0, 1.0, len(knots))
        # From below a tie gives its last rank, from above its first: the mean of both is the middle.
        rank = 0.5 * (np.interp(values, knots, ranks) - np.interp(-values, -knots[::-1], -ranks[::-1]))
        normal = torch.special.ndtri(torch.from_numpy(rank)).clamp(-self.clip, self.clip)
        scaled: np.ndarray = np.nan_to_num(normal.numpy(), nan=0.0).astype(np.float32)
        return scaled

    def undo(self, scaled: np.ndarray) -> np.ndarray:
        """Return the value at each rank, float64 [N], within the train range; what shares a rank comes back as it was."""
        rank = torch.special.ndtr(torch.from_numpy(scaled).double().clamp(-self.clip, self.clip)).numpy()
        unit = _unit(np.array(self.knots))
        return np.asarray(np.interp(rank, np.linspace(0.0, 1.0, len(self.knots)), np.array(self.knots) / unit) * unit)

    def how(self, value: float) -> str:
        """Write how a number is scaled."""
        if np.isnan(value):
            return "missing: the middle rank, which is 0"
        rank = float(torch.special.ndtr(torch.from_numpy(self.apply(np.array([value]))))[0])
        return f"more than {100 * rank:.3g} % of the train rows have; there on the normal distribution"

    def state(self) -> dict[str, Any]:
        """Return the scale as JSON values."""
        return {"scale": "quantile", "knots": list(self.knots), "clip": self.clip}


Scale = StandardScale | QuantileScale


class FitScale(Protocol):
    """Learns a scale from float64 [N]; NaN is left out."""

    def __call__(self, values: np.ndarray, *, clip: float) -> Scale:
        """Return the scale."""


def fit_standard(values: np.ndarray, *, clip: float) -> StandardScale:
    """Learn mean and deviation from float64 [N]; NaN is left out.

    Example:
        >>> fit_standard(np.array([1.0, 3.0, np.nan]), clip=5.0).apply(np.array([2.0, 4.0, 99.0])).tolist()
        [0.0, 2.0, 5.0]
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return StandardScale(0.0, 1.0, clip)
    unit = _unit(known)
    known = known / unit
    return StandardScale(float(known.mean()) * unit, float(known.std()) * unit or 1.0, clip)


def column_scales(values_LC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of each column, float64 [C] each: 0 and 1 where nothing is known, 1 where nothing changes.

    Args:
        values_LC: NaN where a value is missing; as large or small as numbers can be.
    """
    is_known_LC = ~np.isnan(values_LC)
    count_C = np.maximum(1, is_known_LC.sum(axis=0))
    known_LC = np.where(is_known_LC, values_LC, 0.0)
    # In shares of the largest value, since the square of a large one is none.
    largest_C = np.maximum(np.abs(known_LC).max(axis=0, initial=0.0), 1e-300)
    mean_C = (known_LC / largest_C).sum(axis=0) / count_C * largest_C
    square_LC = np.where(is_known_LC, (known_LC / largest_C - mean_C / largest_C) ** 2, 0.0)
    std_C = np.sqrt(square_LC.sum(axis=0) / count_C) * largest_C
    return mean_C, np.where(std_C > SMALLEST_DEVIATION * np.maximum(np.abs(mean_C), 1e-300), std_C, 1.0)


def fit_quantile(values: np.ndarray, *, clip: float) -> QuantileScale:
    """Learn quantiles from float64 [N]; NaN is left out."""
    known = values[np.isfinite(values)]
    if not known.size:
        return QuantileScale((0.0, 0.0), clip)
    num_knots = int(np.clip(known.size // ROWS_PER_KNOT, MIN_KNOTS, MAX_KNOTS))
    unit = _unit(known)
    knots = np.quantile(known / unit, np.linspace(0.0, 1.0, num_knots)) * unit
    return QuantileScale(tuple(np.maximum.accumulate(knots).tolist()), clip)


def _unit(values: np.ndarray) -> float:
    """Return a divisor with which squares and sums of values stay numbers: 1, or of very large or small ones a power of 2."""
    largest = float(np.abs(values).max(initial=0.0))
    return 1.0 if not largest or SMALLEST < largest < LARGEST else 2.0 ** max(-1022, math.frexp(largest)[1] - 1)


def restore_scale(state: Mapping[str, Any]) -> Scale:
    """Rebuild what `state` returned."""
    clip = take(state, "clip", Positive)
    if state["scale"] == "standard":
        return StandardScale(take(state, "mean", Finite), take(state, "deviation", Positive), clip)
    return QuantileScale(tuple(take(state, "knots", list[Finite])), clip)


FIT_SCALE: Mapping[str, FitScale] = {"quantile": fit_quantile, "standard": fit_standard}
"""How a scale is learned, by the word that users type."""
