"""Frechet distance between two Gaussians fitted to real and to generated samples: 0 for equal ones, larger the farther apart.

|m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)) for means m and covariances C. It is measured in the features of the task, and
few samples make it larger: compare it with `frechet_floor`, which is what as many real samples reach, and with nothing else.

Source: M. Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", 2017, arXiv 1706.08500, equation 6.
Differs from the paper: the features are not those of Inception, so it is not the number called FID.

Shape letters: N samples, D features.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.neighbors import SampleMetric, SampleOutcome

__all__ = ["Frechet", "frechet_distance"]


class Frechet(SampleMetric):
    """Distance between real and generated samples."""

    kind: Literal["frechet"] = "frechet"
    title: ClassVar[str] = "Frechet distance"
    greater_is_better: ClassVar[bool] = False

    def judge(self, outcome: SampleOutcome) -> float:
        """Return the distance of generated samples."""
        return frechet_distance(outcome.real, outcome.generated)


def frechet_distance(left_ND: np.ndarray, right_ND: np.ndarray) -> float:
    """Return the distance of two Gaussians with the samples' means and covariances, >= 0; NaN for less than two samples."""
    if min(len(left_ND), len(right_ND)) < 2:
        return float("nan")
    left, right = (np.atleast_2d(np.cov(samples, rowvar=False)) for samples in (left_ND, right_ND))
    shift = float(((left_ND.mean(0) - right_ND.mean(0)) ** 2).sum())
    # C1 C2 has the eigenvalues of the symmetric C1^(1/2) C2 C1^(1/2), whose root is exact where C1 C2's need not be.
    values, vectors = np.linalg.eigh(left)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    overlap = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ right @ root), 0)).sum()
    return max(shift + float(np.trace(left) + np.trace(right) - 2 * overlap), 0.0)
