"""The 95 % interval of the debiased calibration error: the true errors under which what was measured would be no surprise.

Where distances of confidence and accuracy are about as large as their noise, the debiased error is too small on average, and its
resamples are as well: a bootstrap then misses the truth too often. Here models that are wrong by a known amount are simulated
on the same bins; amounts stay in the interval for which the measured error lies between the 2.5 % and the 97.5 % quantile.

Source: "Outline of a Theory of Statistical Estimation Based on the Classical Theory of Probability", Neyman 1937.
Differs from the paper: how the amount is shared out among bins is not known; two ways are tried, a distance that is the same in
every bin and the smooth curve nearest to what was seen, and the interval holds what either of them allows.

Shapes: B bins, A amounts, R repeats.
"""

import math
from dataclasses import replace

import numpy as np

from tutelage.metric.reliability import Bins, freed_mean, noise_factor

__all__ = ["error_interval"]

TAILS = (0.025, 0.975)
NUM_AMOUNTS, NUM_REPEATS = 16, 300
STANDARD_ERRORS, NOISES = 4.0, 0.7
"""How far above what was measured amounts are tried: so many of its standard errors, and so much of the bins' mean noise."""
DEGREE = 2
"""Of the curve through the distances seen."""


def error_interval(bins: Bins, estimate: float, *, rows: float, random: np.random.Generator) -> tuple[float, float]:
    """Return the ends of the interval, at least 0; it holds the estimate.

    Args:
        bins: Of one weighting, or of a sample of the rows.
        estimate: The debiased error of all rows, which may be below 0.
        rows: How many equally weighted rows these tell as much as.
        random: Draws hits.
    """
    is_filled = bins.weight[0] > 0
    columns = {name: getattr(bins, name)[:, is_filled] for name in ("weight", "confidence", "accuracy", "noise")}
    weight_1B = np.maximum(np.round(columns["weight"] * rows / columns["weight"].sum()), 1)
    noise_1B = columns["noise"] * np.sqrt(columns["weight"] / weight_1B)
    filled = replace(bins, **{**columns, "weight": weight_1B, "noise": noise_1B})
    ends = [_ends(filled, shape_B, estimate, random=random) for shape_B in _shapes(filled)]
    told = max(estimate, 0.0)
    return min(told, *(low for low, _ in ends)), max(told, *(high for _, high in ends))


def _shapes(bins: Bins) -> list[np.ndarray]:
    """Return distances [B] of which models that are wrong have multiples: accuracy less confidence."""
    weight_B, gap_B = bins.weight[0], (bins.accuracy - bins.confidence)[0]
    place_B = (weight_B.cumsum() - weight_B / 2) / weight_B.sum() - 0.5
    powers_BK = np.vander(place_B, min(DEGREE + 1, len(gap_B))) * np.sqrt(weight_B)[:, None]
    found = np.linalg.lstsq(powers_BK, gap_B * np.sqrt(weight_B), rcond=None)[0]
    same_B = np.full(len(gap_B), 1.0 if (weight_B * gap_B).sum() > 0 else -1.0)
    curve_B = np.vander(place_B, len(found)) @ found
    return [same_B, curve_B] if np.abs(curve_B).max() > 0 else [same_B]


def _ends(bins: Bins, shape_B: np.ndarray, estimate: float, *, random: np.random.Generator) -> tuple[float, float]:
    """Return the smallest and the largest amount under which the estimate is no surprise."""
    weight_B, confidence_B, noise_B = bins.weight[0], bins.confidence[0], bins.noise[0]
    share_B = weight_B / weight_B.sum()
    further = STANDARD_ERRORS * math.sqrt(float((share_B**2 * noise_B**2).sum())) + NOISES * float((share_B * noise_B).sum())
    scale_A1 = np.linspace(0, max(estimate, 0.0) + further, NUM_AMOUNTS)[:, None] / (share_B * np.abs(shape_B)).sum()
    true_AB = np.clip(confidence_B + scale_A1 * shape_B, 0, 1)
    amount_A = (share_B * np.abs(true_AB - confidence_B)).sum(axis=1)
    hits_RAB = random.binomial(weight_B.astype(np.int64), true_AB, size=(NUM_REPEATS, *true_AB.shape))
    gap_RAB = np.abs(hits_RAB / weight_B - confidence_B)
    error_RA = freed_mean(gap_RAB, noise_B, factor=noise_factor(bins)[0], weight=weight_B)
    low_A, high_A = np.maximum.accumulate(np.quantile(error_RA, TAILS, axis=0), axis=1)
    low = 0.0 if estimate <= high_A[0] else float(np.interp(estimate, high_A, amount_A))
    return low, 0.0 if estimate < low_A[0] else float(np.interp(estimate, low_A, amount_A))
