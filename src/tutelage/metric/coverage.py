"""Coverage: the fraction of real samples that have a generated sample near them; 1 where no part of the data is missed.

Near means within the distance to the real sample's fifth nearest real neighbor.

Source: M. Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", 2020, arXiv 2002.09797, equation 6.
Differs from the paper: equal rows are near, however many of them there are.
"""

from typing import ClassVar, Literal

from tutelage.metric.base import Form
from tutelage.metric.neighbors import NeighborMetric, SampleOutcome, inside

__all__ = ["Coverage"]


class Coverage(NeighborMetric):
    """Fraction of real samples with a generated one near."""

    kind: Literal["coverage"] = "coverage"
    title: ClassVar[str] = "coverage"
    form: ClassVar[Form] = "percent"

    def judge(self, outcome: SampleOutcome) -> float:
        """Return the metric of enough samples."""
        return float(inside(outcome.real, outcome.generated, neighbors=self.neighbors).any(axis=1).mean())
