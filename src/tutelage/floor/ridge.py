"""Ridge regression on the codes of classes, or on numbers; rows left out choose its strictness and more; not a component.

Each row is answered for as if it had been left out of the fit, which costs no second fit: G. Golub, M. Heath and G. Wahba,
"Generalized Cross-Validation as a Method for Choosing a Good Ridge Parameter", Technometrics 1979. So that a few rows which
are all answered for rightly do not make it certain of everything, the truth is softened by a row or two, as in J. Platt,
"Probabilistic Outputs for Support Vector Machines", 1999.

Shape letters: N rows, F features, K classes, R = min(N, F).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Ridge", "fit_ridge", "fit_views", "probabilities"]

PENALTIES = np.logspace(-5, 2, 22)
"""As shares of the mean of the squared singular values."""
SHARPNESSES = np.logspace(-0.5, 2, 26)
SMALLEST = 1e-9
"""Leverage that is left at least, and the least part of the largest eigenvalue that counts."""
MANY_ROWS = 2_000
"""Rows by which the share of the last features is chosen, where there are more."""


@dataclass(frozen=True)
class Ridge:
    """A fitted linear layer.

    Attributes:
        weight: float64 [F, K]; K = 1 for numbers.
        bias: float64 [K].
        sharpness: What answers are multiplied by before the softmax; 1 for numbers.
    """

    weight: np.ndarray
    bias: np.ndarray
    sharpness: float


@dataclass(frozen=True)
class _Fit:
    """A fit, with how wrong it is for rows left out."""

    loss: float
    ridge: Ridge


def fit_ridge(x_NF: np.ndarray, truth_N: np.ndarray, *, num_classes: int, num_last: int, shares: Sequence[float]) -> Ridge:
    """Fit to features of mean 0 and deviation 1.

    Args:
        x_NF: Features.
        truth_N: Class codes, or numbers.
        num_classes: K; 0 for numbers.
        num_last: Features at the end that are few, and may count for more.
        shares: How much they may count together, as shares of what the others do; one is chosen.
    """
    factors = [float(np.sqrt(share * (x_NF.shape[1] - num_last) / num_last)) for share in shares]
    looked_at = np.unique(np.linspace(0, len(x_NF) - 1, MANY_ROWS).astype(np.int64)) if len(x_NF) > MANY_ROWS else slice(None)
    fits = [_fit(_weighted(x_NF[looked_at], factor, num_last), truth_N[looked_at], num_classes) for factor in factors]
    best = min(range(len(fits)), key=lambda place: fits[place].loss)
    ridge = fits[best].ridge
    if len(x_NF) > MANY_ROWS:
        ridge = _fit(_weighted(x_NF, factors[best], num_last), truth_N, num_classes).ridge
    weight_FK = ridge.weight.copy()
    weight_FK[-num_last:] *= factors[best]
    return Ridge(weight_FK, ridge.bias, ridge.sharpness)


def probabilities(scores_NK: np.ndarray, *, sharpness: float) -> np.ndarray:
    """Return the softmax of scores, float64 [N, K]."""
    return np.asarray(np.exp(_log_softmax(scores_NK, sharpness)))


def fit_views(x_VNF: np.ndarray, truth_N: np.ndarray, *, num_classes: int) -> Ridge:
    """Fit to several views of each row, such as a picture shifted; a row is left out with all of its views, and judged by one.

    Args:
        x_VNF: Features of mean 0 and deviations of about 1 or less over all views; the first view is the row as it is.
        truth_N: Class codes, or numbers.
        num_classes: K; 0 for numbers.
    """
    num_views, count, num_features = x_VNF.shape
    return _fit(x_VNF.reshape(num_views * count, num_features), np.tile(truth_N, num_views), num_classes, num_views).ridge


def _fit(x_NF: np.ndarray, truth_N: np.ndarray, num_classes: int, num_views: int = 1) -> _Fit:
    """Fit at the penalty, and for classes the sharpness, that are best for rows left out.

    Args:
        x_NF: Features; of several views all rows of the first, then all of the next.
        truth_N: Class codes, or numbers.
        num_classes: K; 0 for numbers.
        num_views: How many rows in a fixed distance are one, and are left out together; the first is judged by.
    """
    y_NK = np.where(truth_N[:, None] == np.arange(num_classes), 1.0, -1.0) if num_classes else truth_N[:, None].astype(np.float64)
    bias_K = y_NK.mean(axis=0)
    u_NR, values_R = _left_vectors(x_NF)
    projected_RK = u_NR.T @ (y_NK - bias_K)
    count = len(x_NF) // num_views
    judged_NK, doubt = y_NK[:count], 1 / (count + 2)
    soft_NK = np.where(judged_NK > 0, 1 - doubt, doubt / max(1, num_classes - 1))
    best = (np.inf, float(PENALTIES[-1]), 1.0)
    spread = float(y_NK.var()) or 1.0
    # Where all rows are alike nothing is kept, and the answer is the mean whatever the penalty.
    for penalty in PENALTIES * (values_R.mean() if len(values_R) else 1.0):
        kept_R = values_R / (values_R + penalty)
        error_NK = y_NK - bias_K - u_NR @ (kept_R[:, None] * projected_RK)
        left_out_NK = judged_NK - _left_out(error_NK, u_NR, kept_R, num_views)
        for sharpness in SHARPNESSES.tolist() if num_classes else (1.0,):
            if num_classes:
                loss = -float((soft_NK * _log_softmax(left_out_NK, sharpness)).sum(axis=1).mean())
            else:
                loss = float(((left_out_NK - judged_NK) ** 2).mean()) / spread
            if loss < best[0] - SMALLEST:
                best = (loss, float(penalty), sharpness)
    loss, penalty, sharpness = best
    weight_FK = x_NF.T @ (u_NR @ (projected_RK / (values_R + penalty)[:, None]))
    return _Fit(loss, Ridge(weight_FK, bias_K, sharpness))


def _left_out(error_NK: np.ndarray, u_NR: np.ndarray, kept_R: np.ndarray, num_views: int) -> np.ndarray:
    """Return how wrong a fit without a row is for it, from how wrong the fit with it is; of several views for the first."""
    total = len(error_NK)
    if num_views == 1:
        leverage_N = 1 / total + (u_NR**2) @ kept_R
        return np.asarray(error_NK / np.maximum(1 - leverage_N, SMALLEST)[:, None])
    u_NVR = u_NR.reshape(num_views, total // num_views, u_NR.shape[1]).transpose(1, 0, 2)
    leverage_NVV = 1 / total + (u_NVR * kept_R) @ u_NVR.transpose(0, 2, 1)
    held_NVV = (1 + SMALLEST) * np.eye(num_views) - leverage_NVV
    error_NVK = error_NK.reshape(num_views, total // num_views, error_NK.shape[1]).transpose(1, 0, 2)
    return np.asarray(np.linalg.solve(held_NVV, error_NVK)[:, 0])


def _weighted(x_NF: np.ndarray, factor: float, num_last: int) -> np.ndarray:
    """Return features with the last ones multiplied."""
    weighted_NF = x_NF.copy()
    weighted_NF[:, -num_last:] *= factor
    return weighted_NF


def _log_softmax(scores_NK: np.ndarray, sharpness: float) -> np.ndarray:
    """Return the logarithm of the softmax of scores."""
    scaled_NK = sharpness * (scores_NK - scores_NK.max(axis=1, keepdims=True))
    return np.asarray(scaled_NK - np.log(np.exp(scaled_NK).sum(axis=1, keepdims=True)))


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
