"""Generated samples beside real ones, and who is near whom: what coverage and density are computed from; not a component."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from tutelage.metric.base import Metric, Tally
from tutelage.metric.tally import Columns, ColumnTally

__all__ = ["NeighborMetric", "SampleOutcome", "distances", "radii"]


@dataclass(frozen=True)
class SampleOutcome:
    """Real samples float64 [N, D] beside generated ones [M, D]."""

    real: np.ndarray
    generated: np.ndarray


class NeighborMetric(Metric):
    """A metric of who is near whom; it keeps all samples, 4 bytes a number where these are float32 in truth, else 8."""

    answers: ClassVar[str] = "samples"
    neighbors: int = Field(5, ge=1, le=1000, description="Which nearest real neighbor says what is near.")

    def judge(self, outcome: SampleOutcome) -> float:
        """Return the metric of enough samples."""
        raise NotImplementedError

    def tally(self) -> Tally:
        """Return a tally that keeps all samples."""
        return ColumnTally(_keep, self._finish)

    @classmethod
    def examples(cls, seed: int) -> SampleOutcome:
        """Return an outcome to try the metric on."""
        random = np.random.default_rng(seed)
        return SampleOutcome(random.standard_normal((60, 2)), random.standard_normal((50, 2)))

    def _finish(self, columns: Columns) -> float:
        """Return the metric; NaN where there are too few samples."""
        real, generated = columns["real"].astype(np.float64), columns["generated"].astype(np.float64)
        is_enough = len(real) > self.neighbors and len(generated) > 0
        return self.judge(SampleOutcome(real, generated)) if is_enough else float("nan")


def _keep(outcome: SampleOutcome) -> Columns:
    return {"real": outcome.real, "generated": outcome.generated}


def distances(left_ND: np.ndarray, right_MD: np.ndarray) -> np.ndarray:
    """Return the distance of each pair, float64 [N, M]."""
    square = (left_ND**2).sum(1)[:, None] + (right_MD**2).sum(1)[None] - 2 * left_ND @ right_MD.T
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))


def radii(real_ND: np.ndarray, *, neighbors: int) -> np.ndarray:
    """Return the distance of each real sample to its k-th nearest other one, float64 [N]."""
    return np.asarray(np.partition(distances(real_ND, real_ND), neighbors, axis=1)[:, neighbors])
