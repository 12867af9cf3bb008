"""The fits behind calibrators: a logistic curve and an affine change of logits, each held near a beginning.

Both make the mean log loss small plus a normal prior around the beginning: of few rows, little is learned.
Shape letters: N rows, C classes, K features.
"""

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["fit_affine", "fit_logistic"]

MOST_ITERATIONS = 100
PRECISION = 1e-7
"""Share of the loss by which an iteration has to make it smaller: far below what rows can tell."""


def fit_logistic(
    feature_NK: np.ndarray,
    hit_N: np.ndarray,
    *,
    start: Sequence[float],
    spread: Sequence[float],
    least: Sequence[float | None] | None = None,
) -> np.ndarray:
    """Return weights [K] that make the log loss of sigmoid(feature @ weight) small.

    Args:
        feature_NK: What the weights multiply.
        hit_N: The truth, from 0 to 1.
        start: Where the weights begin, and what they are held near.
        spread: Standard deviation of the prior for each weight.
        least: Smallest value of each weight; None for any.
    """
    begin, precision = np.array(start), 1 / (len(hit_N) * np.square(spread))

    def loss(weight_K: np.ndarray) -> tuple[float, np.ndarray]:
        odds_N, moved_K = feature_NK @ weight_K, weight_K - begin
        value = float((np.logaddexp(0, odds_N) - hit_N * odds_N).mean() + 0.5 * (precision * moved_K**2).sum())
        wrong_N = 1 / (1 + np.exp(-np.clip(odds_N, -700, 700))) - hit_N
        return value, feature_NK.T @ wrong_N / len(hit_N) + precision * moved_K

    return _smallest(loss, begin, least=least)


def fit_affine(
    logit_NC: np.ndarray, hit_NC: np.ndarray, *, spread: float, spread_bias: float, spread_mixed: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return a matrix [C, C] and biases [C] that make the log loss of softmax(logit @ matrix.T + bias) small.

    Args:
        logit_NC: Logits that are right as a whole: what is found is held near the identity.
        hit_NC: The truth, rows sum to 1.
        spread: Standard deviation of the prior for the diagonal.
        spread_bias: The same for the biases.
        spread_mixed: The same for all beside the diagonal; 0 = these stay 0.
    """
    rows, classes = logit_NC.shape
    precision, is_full = 1 / rows, bool(spread_mixed)
    weight_CC = np.full((classes, classes), precision / spread_mixed**2 if is_full else 0.0)
    np.fill_diagonal(weight_CC, precision / spread**2)
    diagonal = np.arange(classes)

    def unpacked(change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if is_full:
            return change[classes:].reshape(classes, classes), change[:classes]
        matrix_CC = np.zeros((classes, classes))
        matrix_CC[diagonal, diagonal] = change[classes:]
        return matrix_CC, change[:classes]

    def loss(change: np.ndarray) -> tuple[float, np.ndarray]:
        matrix_CC, bias_C = unpacked(change)
        moved_NC = logit_NC @ matrix_CC.T if is_full else logit_NC * change[classes:]
        out_NC = logit_NC + moved_NC + bias_C
        out_NC -= out_NC.max(axis=1, keepdims=True)
        share_NC = np.exp(out_NC)
        total_N1 = share_NC.sum(axis=1, keepdims=True)
        held = 0.5 * float((weight_CC * matrix_CC**2).sum() + precision / spread_bias**2 * (bias_C**2).sum())
        value = float((np.log(total_N1[:, 0]) - (hit_NC * out_NC).sum(axis=1)).mean()) + held
        wrong_NC = (share_NC / total_N1 - hit_NC) / rows
        slope_C = wrong_NC.sum(axis=0) + precision / spread_bias**2 * bias_C
        if is_full:
            return value, np.concatenate([slope_C, (wrong_NC.T @ logit_NC + weight_CC * matrix_CC).ravel()])
        return value, np.concatenate(
            [slope_C, (wrong_NC * logit_NC).sum(axis=0) + weight_CC[diagonal, diagonal] * change[classes:]]
        )

    found = _smallest(loss, np.zeros(classes + (classes**2 if is_full else classes)))
    matrix_CC, bias_C = unpacked(found)
    return np.eye(classes) + matrix_CC, bias_C


def _smallest(
    loss: Callable[[np.ndarray], tuple[float, np.ndarray]], begin: np.ndarray, *, least: Sequence[float | None] | None = None
) -> np.ndarray:
    """Return where a function with one valley is smallest; where it began, if that is not to be found."""
    from scipy.optimize import minimize  # slow to import, and only needed at the end of a training

    bounds = None if least is None else [(low, None) for low in least]
    found = minimize(
        loss, begin, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": MOST_ITERATIONS, "ftol": PRECISION}
    )
    return np.asarray(found.x) if np.isfinite(found.x).all() else begin
