"""Generated samples beside real ones, and who is near whom: what metrics of generators are computed from; not a component."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from tutelage.metric.base import Metric, Tally
from tutelage.metric.tally import Columns, ColumnTally

__all__ = ["EitherTally", "NeighborMetric", "SampleMetric", "SampleOutcome", "distances", "inside", "radii", "sample_tally"]

USUAL_NEIGHBORS = 5
ROUNDING = 1e-13
"""Squared distances below this share of the squared lengths are what rounding leaves of none."""


@dataclass(frozen=True)
class SampleOutcome:
    """Real samples float64 [N, D] beside generated ones [M, D], and other real ones [K, D] to compare with."""

    real: np.ndarray
    generated: np.ndarray
    reference: np.ndarray


class SampleMetric(Metric):
    """A metric of generated samples; it keeps all of them, 4 bytes a number where these are float32 in truth, else 8."""

    answers: ClassVar[str] = "samples"

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
        return SampleOutcome(*(random.standard_normal((count, 2)) for count in (60, 50, 60)))

    def _finish(self, columns: Columns) -> float:
        """Return the metric; NaN where there are too few samples."""
        outcome = _outcome(columns)
        is_enough = min(len(outcome.real), len(outcome.generated)) > 1
        return self.judge(outcome) if is_enough else float("nan")


class NeighborMetric(SampleMetric):
    """A metric of who is near whom."""

    neighbors: int = Field(USUAL_NEIGHBORS, ge=1, le=1000, description="Which nearest real neighbor says what is near.")

    def _finish(self, columns: Columns) -> float:
        """Return the metric; NaN where there are too few samples."""
        outcome = _outcome(columns)
        is_enough = len(outcome.real) > self.neighbors and len(outcome.generated) > 0
        return self.judge(outcome) if is_enough else float("nan")


class EitherTally:
    """The tally of a metric that judges rows, and samples under the same name; what comes first says which."""

    def __init__(self, rows: Tally, samples: Tally) -> None:
        """Begin with nothing seen of either."""
        self._rows: Any = rows
        self._samples: Any = samples

    def add(self, outcome: Any) -> None:
        """Take a batch."""
        (self._samples if isinstance(outcome, SampleOutcome) else self._rows).add(outcome)

    def merge(self, other: "EitherTally") -> None:
        """Take what another tally saw."""
        self._rows.merge(other._rows)
        self._samples.merge(other._samples)

    def value(self) -> float:
        """Return the metric of what was seen."""
        return float((self._samples if self._samples.state() else self._rows).value())

    def state(self) -> dict[str, np.ndarray]:
        """Return everything kept."""
        return dict(self._samples.state() or self._rows.state())

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Put what `state` returned in place of what is kept."""
        is_samples = "generated" in state
        self._samples.restore(state if is_samples else {})
        self._rows.restore({} if is_samples else state)


def sample_tally(*, is_precise: bool) -> Tally:
    """Return a tally of precision, the share of generated samples near a real one, or of recall, of real near a generated.

    Source: T. Kynkaanniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models", 2019,
    arXiv 1904.06991, equation 2. Differs from the paper: five neighbors in place of three.
    """

    def finish(columns: Columns) -> float:
        outcome = _outcome(columns)
        there, asked = (outcome.real, outcome.generated) if is_precise else (outcome.generated, outcome.real)
        if len(there) <= USUAL_NEIGHBORS or not len(asked):
            return float("nan")
        return float(inside(there, asked, neighbors=USUAL_NEIGHBORS).any(axis=0).mean())

    return ColumnTally(_keep, finish)


def _keep(outcome: SampleOutcome) -> Columns:
    return {"real": outcome.real, "generated": outcome.generated, "reference": outcome.reference}


def _outcome(columns: Columns) -> SampleOutcome:
    return SampleOutcome(*(columns[name].astype(np.float64) for name in ("real", "generated", "reference")))


def distances(left_ND: np.ndarray, right_MD: np.ndarray) -> np.ndarray:
    """Return the distance of each pair, float64 [N, M]."""
    lengths = (left_ND**2).sum(1)[:, None] + (right_MD**2).sum(1)[None]
    square = lengths - 2 * left_ND @ right_MD.T
    return np.asarray(np.sqrt(np.where(square > ROUNDING * lengths, square, 0.0)))


def radii(real_ND: np.ndarray, *, neighbors: int) -> np.ndarray:
    """Return the distance of each real sample to its k-th nearest other one, float64 [N]; not to be written to."""
    return _RADII.get(
        lambda: np.partition(distances(real_ND, real_ND), neighbors, axis=1)[:, neighbors], real_ND, neighbors=neighbors
    )


def inside(there_ND: np.ndarray, asked_MD: np.ndarray, *, neighbors: int) -> np.ndarray:
    """Tell which samples asked about lie within which neighborhoods of those that are there, or equal them, bool [N, M].

    Rows that occur many times, as in tables of choices, have neighborhoods of radius 0, in which their equals lie. What is
    returned must not be written to: several metrics ask for the same.
    """

    def find() -> np.ndarray:
        distance_NM = distances(there_ND, asked_MD)
        return np.asarray((distance_NM < radii(there_ND, neighbors=neighbors)[:, None]) | (distance_NM == 0))

    return _INSIDE.get(find, there_ND, asked_MD, neighbors=neighbors)


class _Latest:
    """Keeps the latest few results, by what the samples hold: metrics ask for the same one after the other.

    Real samples are the same at each evaluation, and four metrics look at the same pairs.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: dict[tuple[object, ...], np.ndarray] = {}

    def get(self, make: Callable[[], np.ndarray], *samples: np.ndarray, neighbors: int) -> np.ndarray:
        """Return what `make` makes of samples, or made of equal ones lately."""
        hashes = (hashlib.blake2b(np.ascontiguousarray(each).data, digest_size=16).digest() for each in samples)
        key = (neighbors, *(each.shape for each in samples), *hashes)
        found = self._found.pop(key, None)
        if found is None:
            found = np.asarray(make())
            found.flags.writeable = False
        self._found[key] = found
        if len(self._found) > self._most:
            del self._found[next(iter(self._found))]
        return found


_RADII, _INSIDE = _Latest(8), _Latest(2)
