"""Coverage: the fraction of real samples that have a made sample near them; 1 where no part of the data is missed.

Near means within the distance to the real sample's fifth nearest real neighbor.

Source: M. Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", 2020, arXiv 2002.09797, equation 6.
Differs from the paper: none.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from tutelage.metric.base import Metric
from tutelage.metric.neighbors import SampleOutcome, SampleTally, distances, example, radii

__all__ = ["Coverage"]


class Coverage(Metric):
    """Fraction of real samples with a made one near."""

    kind: Literal["coverage"] = "coverage"
    answers: ClassVar[str] = "samples"
    title: ClassVar[str] = "coverage"
    form: ClassVar[Literal["number", "percent", "fraction"]] = "percent"
    neighbors: int = Field(5, ge=1, description="Which nearest real neighbor says what is near.")

    def tally(self) -> SampleTally:
        """Return a tally without samples."""
        return SampleTally(self)

    def compute(self, outcome: Any) -> float:
        """Return the metric; NaN where there are too few samples."""
        if len(outcome.real) <= self.neighbors or not len(outcome.made):
            return float("nan")
        nearest = distances(outcome.real, outcome.made).min(axis=1)
        return float((nearest < radii(outcome.real, neighbors=self.neighbors)).mean())

    @classmethod
    def examples(cls, seed: int) -> SampleOutcome:
        """Return an outcome to try the metric on."""
        return example(seed)
