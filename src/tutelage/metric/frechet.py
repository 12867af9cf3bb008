"""Frechet distance between two Gaussians fitted to real and to generated samples: 0 for equal ones, larger the farther apart.

|m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)) for means m and covariances C. It is measured in the features of the task, and
few samples make it larger: compare it with `frechet_floor`, which is what as many real samples reach, and with nothing else.

Source: M. Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", 2017, arXiv 1706.08500, equation 6.
Differs from the paper: the features are not those of Inception, so it is not the number called FID.

Shape letters: N samples, D features.
"""

from typing import ClassVar, Literal

from tutelage.metric.gaussian_distance import frechet_distance
from tutelage.metric.neighbors import SampleMetric, SampleOutcome

__all__ = ["Frechet"]


class Frechet(SampleMetric):
    """Distance between real and generated samples."""

    kind: Literal["frechet"] = "frechet"
    title: ClassVar[str] = "Frechet distance"
    greater_is_better: ClassVar[bool] = False

    def judge(self, outcome: SampleOutcome) -> float:
        """Return the distance of generated samples."""
        return frechet_distance(outcome.real, outcome.generated)
