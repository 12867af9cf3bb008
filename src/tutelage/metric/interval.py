"""95 % intervals of metrics: how far a figure could move, had the test part been another draw of the same size.

Shares of samples (accuracy) have a formula, Wilson's, and a metric may have its own way. All else is resampled: percentiles of
a seeded bootstrap, in bounded time. Of a very large part a random sample is resampled and the spread shrunk as the square
root of the sizes says, which is where the spread of means and of smooth functions of means goes.

Source: "Probable Inference, the Law of Succession, and Statistical Inference", Wilson 1927;
"An Introduction to the Bootstrap", Efron and Tibshirani 1993, chapter 13.
Differs from the sources: the sample of large parts. Shapes: R = resamples, N = rows.
"""

import math

import numpy as np

from tutelage.core.seeds import derive
from tutelage.metric.base import Metric, Outcome
from tutelage.metric.weighted import ProportionMetric, WeightedMetric

__all__ = ["interval"]

NORMAL_QUANTILE = 1.959963984540054
TAILS = (0.025, 0.975)
MAX_SAMPLES = 10_000
"""Rows that are resampled, at most."""
MIN_RESAMPLES = 200
MAX_CELLS = 100_000_000
"""Aim for resamples * rows * classes: about 1 s for AUROC; beyond it there are fewer resamples."""
CHUNK_CELLS = 1_000_000
"""Resamples * rows held at once: 8 MB of weights stay in cache."""


def interval(
    metric: Metric, sample: Outcome, *, seed: int, estimate: float | None = None, total: int | None = None
) -> tuple[float, float]:
    """Return the ends of the 95 % interval of a metric; the same for the same seed.

    Args:
        metric: What was measured.
        sample: The predictions it was measured on, or a random sample of them.
        seed: The run's seed.
        estimate: The metric over all rows; None where the sample is all of them.
        total: How many rows the sample is of; None where it is all of them.

    Returns:
        Low and high, in the metric's unit; NaN and NaN where the metric is not defined.
    """
    estimate = metric.compute(sample) if estimate is None else estimate
    total = len(sample.target) if total is None else total
    if math.isnan(estimate):
        return math.nan, math.nan
    if isinstance(metric, ProportionMetric):
        return wilson(estimate, effective_size(sample) * (total / len(sample.target)))
    generator = np.random.default_rng(derive(seed, "interval", total))
    if isinstance(metric, WeightedMetric):
        alike = effective_size(sample) * (total / len(sample.target))
        own = metric.own_interval(sample, estimate=estimate, total=alike, random=generator)
        if own is not None:
            return own
    subset = _subset(sample, generator)
    values_R = _resample(metric, subset, generator)
    values_R = values_R[~np.isnan(values_R)]
    # Where resampling shifts a metric, only how far its values spread counts.
    center = float(values_R.mean()) if metric.noise_raises and len(values_R) else metric.compute(subset)
    if len(values_R) == 0 or math.isnan(center):
        return math.nan, math.nan
    shrink = math.sqrt(len(subset.target) / total)
    low, high = np.quantile(values_R, TAILS)
    # Noise can only raise some metrics (calibration error): their resamples may all lie above the estimate.
    return float(estimate + shrink * min(low - center, 0.0)), float(estimate + shrink * max(high - center, 0.0))


def wilson(share: float, size: float) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share seen in `size` rows, within 0 to 1."""
    spread = NORMAL_QUANTILE**2 / size
    middle = (share + spread / 2) / (1 + spread)
    half = NORMAL_QUANTILE * math.sqrt(max(share * (1 - share), 0.0) / size + spread / (4 * size)) / (1 + spread)
    # At 0 and 1 rounding could push the end past the share itself.
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))


def effective_size(outcome: Outcome) -> float:
    """Return how many equally weighted rows tell as much: (sum of weights)^2 / (sum of their squares)."""
    if outcome.weight is None:
        return float(len(outcome.target))
    return float(outcome.weight.sum() ** 2 / (outcome.weight**2).sum())


def _subset(outcome: Outcome, generator: np.random.Generator) -> Outcome:
    """Return the outcome, or a random part of it where it is too large."""
    if len(outcome.target) <= MAX_SAMPLES:
        return outcome
    chosen = generator.choice(len(outcome.target), MAX_SAMPLES, replace=False)
    weight = None if outcome.weight is None else outcome.weight[chosen]
    return Outcome(outcome.prediction[chosen], outcome.target[chosen], weight)


def _resample(metric: Metric, outcome: Outcome, generator: np.random.Generator) -> np.ndarray:
    """Return the metric on resamples with replacement [R]."""
    size = len(outcome.target)
    resamples = min(metric.most_resamples, max(MIN_RESAMPLES, MAX_CELLS // outcome.prediction.size))
    chunk = max(1, CHUNK_CELLS // size)
    values = []
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        drawn = generator.integers(size, size=(rows, size)) + size * np.arange(rows)[:, None]
        weight_RN = np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size).astype(np.float64)
        values.append(_evaluate(metric, outcome, weight_RN if outcome.weight is None else weight_RN * outcome.weight))
    return np.concatenate(values)


def _evaluate(metric: Metric, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
    """Return the metric [R] for each row of weights; a metric from elsewhere is asked once a row."""
    if isinstance(metric, WeightedMetric):
        return metric.evaluate(outcome, weight_RN)
    return np.array([metric.compute(Outcome(outcome.prediction, outcome.target, weight)) for weight in weight_RN])
