"""What is found at each threshold on a score: the base of AUROC and average precision.

Shapes: R = weightings, N = samples, T = distinct thresholds, from the highest score to the lowest.
"""

from collections.abc import Callable

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.weighted import divide

__all__ = ["average_one_versus_rest", "count_above"]

RankScore = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(score_N, is_positive_N, weight_RN) -> [R], NaN where only one side is present."""


def count_above(score_N: np.ndarray, is_positive_N: np.ndarray, weight_RN: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights [R, T] of positives and of negatives whose score reaches each threshold."""
    order = np.argsort(-score_N, kind="stable")
    sorted_N = score_N[order]
    # Equal scores enter together: a threshold stands at the last of each run of ties.
    last = np.flatnonzero(np.append(sorted_N[1:] != sorted_N[:-1], True))
    ordered_RN = weight_RN[:, order]
    positive_RT = np.cumsum(ordered_RN * is_positive_N[order], axis=1)[:, last]
    negative_RT = np.cumsum(ordered_RN * ~is_positive_N[order], axis=1)[:, last]
    return positive_RT, negative_RT


def average_one_versus_rest(score: RankScore, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
    """Return [R]: the score of class 1 where there are two classes, else the mean over the classes that are present."""
    probability_NC, target_N = outcome.prediction, outcome.target
    if probability_NC.shape[1] == 2:
        return score(probability_NC[:, 1], target_N == 1, weight_RN)
    total_R, defined_R = np.zeros(len(weight_RN)), np.zeros(len(weight_RN))
    for number in np.unique(target_N):
        score_R = score(probability_NC[:, number], target_N == number, weight_RN)
        defined_R += ~np.isnan(score_R)
        total_R += np.nan_to_num(score_R)
    return divide(total_R, defined_R)
