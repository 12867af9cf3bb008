"""Intervals of a forecast as factors, scaled by what earlier forecasts missed by.

Source: Vovk et al., Algorithmic Learning in a Random World, 2005, section 4.1 (conformal quantile of scaled residuals);
Barber et al., Predictive inference with the jackknife+, 2021, section 2 (each residual from a fit that had not seen its row).
Differs from the papers: the quantile counts each source once in all, since rows of one source miss together.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["NORMAL_50", "NORMAL_80", "Interval", "Scale", "conformal", "interval", "largest"]

NORMAL_50, NORMAL_80 = 0.6745, 1.2816
"""Half widths of the middle 50 and 80 percent of a normal distribution, in standard deviations."""
FEWEST = 8
"""Residuals below which the normal distribution is used: their quantile would say nothing."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Half widths in standard deviations, as earlier misses ask for.

    Attributes:
        half_50: Of the middle 50 percent.
        half_80: Of the middle 80 percent.
    """

    half_50: float = NORMAL_50
    half_80: float = NORMAL_80


@dataclass(frozen=True, slots=True)
class Interval:
    """A range that should hold the truth in a known share of cases."""

    low: float
    high: float


def interval(middle: float, *, sd: float, half: float) -> Interval:
    """Return the range around a positive value, equally wide on both sides as a factor.

    Example:
        >>> found = interval(100.0, sd=0.1, half=1.2816)
        >>> round(found.low, 1), round(found.high, 1)
        (88.0, 113.7)
    """
    factor = math.exp(half * sd)
    return Interval(middle / factor, middle * factor)


def largest(variances: Mapping[str, float], *, count: int = 2) -> dict[str, float]:
    """Return the largest contributors and their share of the variance, the largest first.

    Example:
        >>> largest({"stack": 0.09, "devices": 0.01, "noise": 0.0})
        {'stack': 0.9, 'devices': 0.1}
    """
    total = sum(variances.values()) or 1.0
    ordered = sorted(variances.items(), key=lambda item: -item[1])[:count]
    return {name: value / total for name, value in ordered if value > 0}


def conformal(residuals: Sequence[float], *, sources: Sequence[str]) -> Scale:
    """Return the half widths that would have covered earlier truths.

    Args:
        residuals: Logarithm of predicted over actual, over the predicted standard deviation; each from a forecast that had not
            seen its source.
        sources: Where each comes from.
    """
    if len(residuals) < FEWEST:
        return Scale()
    counts = Counter(sources)
    weighted = sorted((abs(value), 1 / math.sqrt(counts[source])) for value, source in zip(residuals, sources, strict=True))
    return Scale(_quantile(weighted, 0.5), _quantile(weighted, 0.8))


def _quantile(weighted: Sequence[tuple[float, float]], share: float) -> float:
    """Return the value below which a share of the weight lies, one more row counted beyond all (the one to come)."""
    total = sum(weight for _, weight in weighted)
    to_come = total / len(weighted)
    reached = 0.0
    for value, weight in weighted:
        reached += weight
        if reached >= share * (total + to_come):
            return value
    return weighted[-1][0]
