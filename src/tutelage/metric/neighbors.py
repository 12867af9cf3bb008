"""Made samples beside real ones, and who is near whom: what coverage and density are computed from; not a component."""

from dataclasses import dataclass

import numpy as np

from tutelage.metric.base import Metric

__all__ = ["SampleOutcome", "SampleTally", "distances", "example", "radii"]


@dataclass(frozen=True)
class SampleOutcome:
    """Real samples float64 [N, D] beside made ones [M, D]."""

    real: np.ndarray
    made: np.ndarray


class SampleTally:
    """Keeps all samples: neighbors need them."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._kept: list[SampleOutcome] = []

    def add(self, outcome: SampleOutcome) -> None:
        """Take samples."""
        self._kept.append(outcome)

    def merge(self, other: "SampleTally") -> None:
        """Take what another process saw."""
        self._kept += other._kept

    def value(self) -> float:
        """Return the metric over all samples; NaN without any."""
        return self._metric.compute(self._joined()) if self._kept else float("nan")

    def state(self) -> dict[str, np.ndarray]:
        """Return all samples."""
        joined = self._joined() if self._kept else SampleOutcome(np.empty((0, 0)), np.empty((0, 0)))
        return {"real": joined.real, "made": joined.made}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take up samples."""
        self._kept = [SampleOutcome(state["real"], state["made"])] if len(state["real"]) else []

    def _joined(self) -> SampleOutcome:
        real, made = ([getattr(outcome, name) for outcome in self._kept] for name in ("real", "made"))
        return SampleOutcome(np.concatenate(real), np.concatenate(made))


def example(seed: int) -> SampleOutcome:
    """Return an outcome to try a metric on."""
    random = np.random.default_rng(seed)
    return SampleOutcome(random.standard_normal((60, 2)), random.standard_normal((50, 2)))


def distances(left_ND: np.ndarray, right_MD: np.ndarray) -> np.ndarray:
    """Return the distance of each pair, float64 [N, M]."""
    square = (left_ND**2).sum(1)[:, None] + (right_MD**2).sum(1)[None] - 2 * left_ND @ right_MD.T
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))


def radii(real_ND: np.ndarray, *, neighbors: int) -> np.ndarray:
    """Return the distance of each real sample to its k-th nearest other one, float64 [N]."""
    return np.asarray(np.partition(distances(real_ND, real_ND), neighbors, axis=1)[:, neighbors])
