"""Density: how deep generated samples lie among real ones; about 1 where they fall where the data are, 0 where they fall beside.

It counts for each generated sample the real samples whose neighborhood it lies in, over what is to be expected. It may exceed 1.

Source: M. Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", 2020, arXiv 2002.09797, equation 5.
Differs from the paper: equal rows are near, however many of them there are.
"""

from typing import ClassVar, Literal

from tutelage.metric.neighbors import NeighborMetric, SampleOutcome, inside

__all__ = ["Density"]


class Density(NeighborMetric):
    """Mean number of real neighborhoods around a generated sample, over the number of neighbors."""

    kind: Literal["density"] = "density"
    title: ClassVar[str] = "density"

    def judge(self, outcome: SampleOutcome) -> float:
        """Return the metric of enough samples."""
        near = inside(outcome.real, outcome.generated, neighbors=self.neighbors)
        return float(near.sum(axis=0).mean() / self.neighbors)
