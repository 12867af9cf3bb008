"""Density: how deep made samples lie among real ones; about 1 where they fall where the data are, 0 where they fall beside.

It counts for each made sample the real samples whose neighborhood it lies in, over what is to be expected. It may exceed 1.

Source: M. Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", 2020, arXiv 2002.09797, equation 5.
Differs from the paper: none.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from tutelage.metric.base import Metric
from tutelage.metric.neighbors import SampleOutcome, SampleTally, distances, example, radii

__all__ = ["Density"]


class Density(Metric):
    """Mean number of real neighborhoods around a made sample, over the number of neighbors."""

    kind: Literal["density"] = "density"
    answers: ClassVar[str] = "samples"
    title: ClassVar[str] = "density"
    neighbors: int = Field(5, ge=1, description="Which nearest real neighbor says what is near.")

    def tally(self) -> SampleTally:
        """Return a tally without samples."""
        return SampleTally(self)

    def compute(self, outcome: Any) -> float:
        """Return the metric; NaN where there are too few samples."""
        if len(outcome.real) <= self.neighbors or not len(outcome.made):
            return float("nan")
        inside = distances(outcome.real, outcome.made) < radii(outcome.real, neighbors=self.neighbors)[:, None]
        return float(inside.sum(axis=0).mean() / self.neighbors)

    @classmethod
    def examples(cls, seed: int) -> SampleOutcome:
        """Return an outcome to try the metric on."""
        return example(seed)
