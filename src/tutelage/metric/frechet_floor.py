"""Frechet distance that as many other real samples reach in place of generated ones: the best that can be hoped for.

Source: M. Chong and D. Forsyth, "Effectively Unbiased FID and Inception Score and where to find them", 2019, arXiv 1911.07023:
the distance depends on the number of samples. Differs from the paper: no extrapolation; the floor is measured with as many.
"""

from typing import ClassVar, Literal

from tutelage.metric.gaussian_distance import frechet_distance
from tutelage.metric.neighbors import SampleMetric, SampleOutcome

__all__ = ["FrechetFloor"]


class FrechetFloor(SampleMetric):
    """Distance between real samples and other real ones."""

    kind: Literal["frechet_floor"] = "frechet_floor"
    title: ClassVar[str] = "Frechet distance of real samples"
    greater_is_better: ClassVar[bool] = False

    def judge(self, outcome: SampleOutcome) -> float:
        """Return the distance of the other real samples."""
        return frechet_distance(outcome.real, outcome.reference)
