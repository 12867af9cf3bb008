"""Stated confidence beside the accuracy reached at it: bins of equally many rows, their noise, and the error freed of it.

Shapes: R = weightings, N = rows, B = bins.
"""

from dataclasses import dataclass

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.weighted import divide

__all__ = ["NUM_BINS", "Bins", "debiased_error", "equal_bins", "freed_mean", "noise_factor", "top_label"]

NUM_BINS = 15
NORMAL_QUANTILE = 1.959963984540054
FADING = 2 / np.sqrt(np.pi)
"""The factor with which what is taken off a normal distance has its mean: E|z| = sqrt(2 / pi) = factor * E exp(-z^2 / 2)."""
FEW_VARIANCE, MOST_COUNT = 15.0, 60
"""Variance of a bin's hits below which they are far from normal, and counts that are then looked at, one by one."""


@dataclass(frozen=True)
class Bins:
    """Rows in the order of their confidence, cut into bins of equal weight; rows of equal confidence stay together.

    Attributes:
        weight: Of each bin, [R, B]; 0 for a bin without rows.
        confidence: Its mean confidence, [R, B]; NaN without rows.
        accuracy: Its share of right answers, [R, B].
        noise: Standard deviation of the accuracy around the confidence, were the model honest, [R, B].
    """

    weight: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    noise: np.ndarray

    def band(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends [R, B] of the 95 % interval of each bin's accuracy, by Wilson's formula."""
        spread = divide(np.full(self.weight.shape, NORMAL_QUANTILE**2), self.weight)
        middle = (self.accuracy + spread / 2) / (1 + spread)
        variance = (
            np.maximum(self.accuracy * (1 - self.accuracy) * spread / NORMAL_QUANTILE**2, 0)
            + (spread / 2) ** 2 / NORMAL_QUANTILE**2
        )
        half = NORMAL_QUANTILE * np.sqrt(variance) / (1 + spread)
        return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def top_label(outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of the predicted class [N], and whether it is the true one, float64 [N]."""
    chosen_N = outcome.prediction.argmax(axis=1)
    confidence_N = np.take_along_axis(outcome.prediction, chosen_N[:, None], axis=1)[:, 0]
    return confidence_N, (chosen_N == outcome.target).astype(np.float64)


def equal_bins(confidence_N: np.ndarray, hit_N: np.ndarray, weight_RN: np.ndarray, *, num_bins: int = NUM_BINS) -> Bins:
    """Cut rows into bins of equal weight by their confidence.

    Args:
        confidence_N: Stated probability that a row is a hit, 0 to 1.
        hit_N: Whether it is, 0 or 1.
        weight_RN: Weights of the rows.
        num_bins: How many bins.
    """
    order = np.argsort(confidence_N, kind="stable")
    sorted_N, weight_RN = confidence_N[order], weight_RN[:, order]
    below_RN = np.concatenate([np.zeros((len(weight_RN), 1)), weight_RN.cumsum(axis=1)], axis=1)
    first_N = np.searchsorted(sorted_N, sorted_N, side="left")
    total_R1 = below_RN[:, -1:]
    # A hair more, so that rounding never puts a row of a full bin into the one before.
    place_RN = divide(below_RN[:, first_N] * num_bins, np.broadcast_to(total_R1, weight_RN.shape), otherwise=0.0)
    bin_RN = np.minimum(np.floor(place_RN + 1e-9), num_bins - 1).astype(np.int64)
    bin_RN += num_bins * np.arange(len(weight_RN))[:, None]

    def summed(value_N: np.ndarray) -> np.ndarray:
        cells = np.bincount(bin_RN.ravel(), (weight_RN * value_N).ravel(), minlength=num_bins * len(weight_RN))
        return np.asarray(cells.reshape(len(weight_RN), num_bins))

    weight_RB = summed(np.ones(len(sorted_N)))
    return Bins(
        weight=weight_RB,
        confidence=divide(summed(sorted_N), weight_RB),
        accuracy=divide(summed(hit_N[order]), weight_RB),
        noise=np.sqrt(divide(summed(sorted_N * (1 - sorted_N)), weight_RB**2)),
    )


def debiased_error(bins: Bins) -> np.ndarray:
    """Return the mean distance of confidence and accuracy over bins, freed of what noise alone adds to it, [R].

    Of an honest model its mean is 0, so that it may fall below; where a bin's distance is clearly beyond its noise, nothing is
    taken off.
    """
    gap_RB = np.abs(bins.accuracy - bins.confidence)
    return freed_mean(gap_RB, bins.noise, factor=noise_factor(bins), weight=bins.weight)


def freed_mean(gap: np.ndarray, noise: np.ndarray, *, factor: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the mean over bins, the last dimension, of distances freed of their noise.

    Args:
        gap: Distances of accuracy and confidence.
        noise: Their standard deviations, were the model honest.
        factor: See `noise_factor`.
        weight: Of the bins.
    """
    freed = gap - factor * noise * _nearness(gap, noise)
    return divide((np.nan_to_num(freed) * weight).sum(axis=-1), weight.sum(axis=-1))


def _nearness(gap: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return how likely a distance comes of noise: 1 at 0, and 0 far beyond it."""
    far = np.minimum(divide(gap, noise, otherwise=0.0), 40.0)
    return np.asarray(np.exp(-0.5 * far**2))


def noise_factor(bins: Bins) -> np.ndarray:
    """Return for each bin the factor with which what is taken off has the mean of an honest model's distance, [R, B]."""
    factor_RB = np.full(bins.weight.shape, FADING)
    miss_RB = np.minimum(bins.confidence, 1 - bins.confidence)
    few = (bins.weight > 0) & (bins.weight * miss_RB * (1 - miss_RB) < FEW_VARIANCE)
    if few.any():
        factor_RB[few] = _binomial_fading(bins.weight[few], miss_RB[few], bins.noise[few])
    return factor_RB


def _binomial_fading(weight_K: np.ndarray, miss_K: np.ndarray, noise_K: np.ndarray) -> np.ndarray:
    """Return the factor of bins whose misses are few: their number is binomial."""
    from scipy.special import gammaln  # slow to import

    count_X, rows_K1 = np.arange(MOST_COUNT + 1.0), weight_K[:, None]
    left_KX = np.maximum(rows_K1 - count_X, 0)
    safe_K1 = np.clip(miss_K, 1e-12, 1 - 1e-12)[:, None]
    chance_KX = gammaln(rows_K1 + 1) - gammaln(count_X + 1) - gammaln(left_KX + 1)
    chance_KX = np.exp(chance_KX + count_X * np.log(safe_K1) + left_KX * np.log1p(-safe_K1)) * (count_X <= rows_K1)
    gap_KX = np.abs(count_X / rows_K1 - miss_K[:, None])
    taken_K = (chance_KX * _nearness(gap_KX, noise_K[:, None])).sum(axis=1) * noise_K
    return divide((chance_KX * gap_KX).sum(axis=1), taken_K, otherwise=FADING)
