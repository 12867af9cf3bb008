"""How well forecasts of endings did: coverage, width, and whether probabilities mean what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutelage.core.stopping import PATIENCE, TARGET
from tutelage.foresight.endings import Endings

__all__ = ["Told", "scored"]


@dataclass(frozen=True)
class Told:
    """One forecast beside what came of it, in steps.

    Attributes:
        name: Of the run.
        low, middle, high: The interval of 80 %, and its median.
        actual: The last step.
        never: Probability that the target is not reached; None where there was none.
        early: Probability that patience runs out.
        reason: Why the run ended.
    """

    name: str
    low: float
    middle: float
    high: float
    actual: float
    never: float | None
    early: float
    reason: str

    @classmethod
    def of(cls, endings: Endings, actual: float, reason: str, *, name: str) -> "Told":
        """Put a forecast and its outcome together."""
        return cls.from_record(endings.record(), actual, reason, name=name)

    @classmethod
    def from_record(cls, record: dict[str, Any], actual: float, reason: str, *, name: str) -> "Told":
        """Take a forecast as result.json has it."""
        low, high = record["steps_80"]
        return cls(name, low, record["steps"], high, round(actual), record["never"], record["early"], reason)


def scored(told: Sequence[Told]) -> dict[str, Any]:
    """Return the figures of many forecasts."""
    if not told:
        return {"num_forecasts": 0}
    probabilities = [(each.early, each.reason == PATIENCE) for each in told if each.never is None]
    nevers = [(each.never, each.reason != TARGET) for each in told if each.never is not None]
    return {
        "num_forecasts": len(told),
        "coverage_80": _mean(each.low <= each.actual <= each.high for each in told),
        "ended_before": _mean(each.actual < each.low for each in told),
        "ended_after": _mean(each.actual > each.high for each in told),
        "high_over_low": round(float(np.median([each.high / max(each.low, 1.0) for each in told])), 3),
        "median_error": round(float(np.median([abs(each.actual / max(each.middle, 1.0) - 1) for each in told])), 3),
        **({"early": _calibrated(probabilities)} if probabilities else {}),
        **({"never": _calibrated(nevers)} if nevers else {}),
    }


def _calibrated(pairs: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """Return what was said and what was, in the mean and by thirds of what was said, and the mean squared difference."""
    said, was = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    thirds = [(said >= low) & (said < high) for low, high in ((0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1.01))]
    return {
        "said": round(float(said.mean()), 3),
        "was": round(float(was.mean()), 3),
        "brier": round(float(((said - was) ** 2).mean()), 3),
        "by_thirds": [[int(those.sum()), round(float(was[those].mean()), 3) if those.any() else None] for those in thirds],
    }


def _mean(truths: Any) -> float:
    """Return how often something is so."""
    return round(float(np.mean(list(truths))), 3)
