"""Precision and coverage of generated samples as one number, F0.5: good samples count twice as much as places reached; 0 to 1.

F = 1.25 P C / (0.25 P + C) for precision P and coverage C. The choice for early stopping: coverage alone takes samples that are
off for a few more places reached, precision alone takes one good sample for all. Coverage in place of recall, since samples that
are off make the neighborhoods of generated ones large, and so recall.

Source: precision: T. Kynkaanniemi et al., 2019, arXiv 1904.06991; coverage: M. Naeem et al., 2020, arXiv 2002.09797;
F0.5: M. Sajjadi et al., "Assessing Generative Models via Precision and Recall", 2018, arXiv 1806.00035, section 4 (F-scores).
Differs from the papers: the two are put together.
"""

from typing import ClassVar, Literal

from tutelage.metric.base import Form
from tutelage.metric.neighbors import NeighborMetric, SampleOutcome, inside

__all__ = ["PrecisionCoverage"]

SQUARED_BETA = 0.25
"""Below 1 precision counts more."""


class PrecisionCoverage(NeighborMetric):
    """F0.5 of precision and coverage."""

    kind: Literal["precision_coverage"] = "precision_coverage"
    title: ClassVar[str] = "F0.5 of precision and coverage"
    form: ClassVar[Form] = "percent"

    def judge(self, outcome: SampleOutcome) -> float:
        """Return the metric of enough samples."""
        near = inside(outcome.real, outcome.generated, neighbors=self.neighbors)
        precision, coverage = float(near.any(axis=0).mean()), float(near.any(axis=1).mean())
        weighed = SQUARED_BETA * precision + coverage
        return (1 + SQUARED_BETA) * precision * coverage / weighed if weighed else 0.0
