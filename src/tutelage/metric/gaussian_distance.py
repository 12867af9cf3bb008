"""How far apart two clouds of samples lie as Gaussians: the Frechet distance; not a component.

Shape letters: N samples, D features.
"""

import numpy as np

__all__ = ["frechet_distance"]


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
