"""Several runs that differ in their seed alone, told as one: the interquartile mean of each metric, with its interval.

Source: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", 2021, arXiv 2108.13264, section 4.
Differs from the paper: one environment, so that the strata of the bootstrap are one; a run's score is its mean over episodes.
"""

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["combined", "interquartile_mean"]

NUM_RESAMPLES = 2_000
TAILS = (0.025, 0.975)


def interquartile_mean(values: Sequence[float]) -> float:
    """Return the mean of the middle half: a quarter of the weight is cut off at each end, parts of a value included.

    Example:
        >>> interquartile_mean([0.0, 1.0, 2.0, 100.0]), interquartile_mean([5.0])
        (1.5, 5.0)
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    count = len(ordered)
    edges = np.arange(count + 1, dtype=np.float64)
    kept = np.clip(edges[1:], count / 4, 3 * count / 4) - np.clip(edges[:-1], count / 4, 3 * count / 4)
    return float((kept * ordered).sum() / kept.sum())


def combined(runs: Sequence[Mapping[str, float]], *, seed: int = 0) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Return the interquartile mean of each metric that all runs have, and its 95 % interval from a bootstrap of the runs."""
    shared = [name for name in runs[0] if all(isinstance(run.get(name), int | float) for run in runs)]
    means, intervals = {}, {}
    random = np.random.default_rng(seed)
    for name in shared:
        values = np.array([float(run[name]) for run in runs])
        means[name] = interquartile_mean(values.tolist())
        drawn = values[random.integers(len(values), size=(NUM_RESAMPLES, len(values)))]
        low, high = np.quantile([interquartile_mean(one) for one in drawn], TAILS)
        intervals[name] = (float(low), float(high))
    return means, intervals
