"""Ridge regression on the codes of classes, its strictness and the scale of its probabilities chosen by rows left out; not a component.

Each row is answered for as if it had been left out of the fit, which costs no second fit: G. Golub, M. Heath and G. Wahba,
"Generalized Cross-Validation as a Method for Choosing a Good Ridge Parameter", Technometrics 1979.

Shape letters: N rows, F features, K classes, R = min(N, F).
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["Ridge", "fit_ridge", "probabilities"]

PENALTIES = np.logspace(-5, 2, 22)
"""As shares of the mean of the squared singular values."""
SHARPNESSES = np.logspace(-0.5, 2, 26)
SMALLEST = 1e-9
"""Leverage that is left at least, and the least part of the largest eigenvalue that counts."""


@dataclass(frozen=True)
class Ridge:
    """A fitted linear layer.

    Attributes:
        weight_FK: float64.
        bias_K: float64.
        sharpness: What answers are multiplied by before the softmax.
    """

    weight_FK: np.ndarray
    bias_K: np.ndarray
    sharpness: float


def fit_ridge(x_NF: np.ndarray, truth_N: np.ndarray, *, num_classes: int) -> Ridge:
    """Fit to features of mean 0, choosing by the log-loss over rows left out."""
    y_NK = np.where(truth_N[:, None] == np.arange(num_classes), 1.0, -1.0)
    bias_K = y_NK.mean(axis=0)
    centered_NK = y_NK - bias_K
    u_NR, values_R = _left_vectors(x_NF)
    projected_RK = u_NR.T @ centered_NK
    best = (np.inf, PENALTIES[-1], 1.0)
    for penalty in PENALTIES * values_R.mean():
        kept_R = values_R / (values_R + penalty)
        leverage_N = 1 / len(x_NF) + (u_NR**2) @ kept_R
        error_NK = (centered_NK - u_NR @ (kept_R[:, None] * projected_RK)) / np.maximum(1 - leverage_N, SMALLEST)[:, None]
        left_out_NK = y_NK - error_NK
        for sharpness in SHARPNESSES:
            chance_N = probabilities(left_out_NK, sharpness=float(sharpness))[np.arange(len(truth_N)), truth_N]
            loss = -float(np.log(np.maximum(chance_N, 1e-12)).mean())
            if loss < best[0] - 1e-9:
                best = (loss, float(penalty), float(sharpness))
    _, penalty, sharpness = best
    weight_FK = x_NF.T @ (u_NR @ (projected_RK / (values_R + penalty)[:, None]))
    return Ridge(weight_FK, bias_K, sharpness)


def probabilities(scores_NK: np.ndarray, *, sharpness: float) -> np.ndarray:
    """Return the softmax of scores, float64 [N, K]."""
    scaled_NK = sharpness * (scores_NK - scores_NK.max(axis=1, keepdims=True))
    odds_NK = np.exp(scaled_NK)
    return np.asarray(odds_NK / odds_NK.sum(axis=1, keepdims=True))


def _left_vectors(x_NF: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return left singular vectors [N, R] and squared singular values [R], from the smaller of the two products."""
    count, num_features = x_NF.shape
    if count <= num_features:
        values_R, u_NR = np.linalg.eigh(x_NF @ x_NF.T)
    else:
        values_R, v_FR = np.linalg.eigh(x_NF.T @ x_NF)
        u_NR = x_NF @ v_FR / np.sqrt(np.maximum(values_R, 1e-300))
    is_kept_R = values_R > SMALLEST * max(float(values_R.max()), 1e-300)
    return u_NR[:, is_kept_R], values_R[is_kept_R]
