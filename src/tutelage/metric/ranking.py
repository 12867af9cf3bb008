"""Where the samples of a class stand when all are ranked by a score: the base of AUROC and average precision.

Shapes: R = weightings, N = samples, P = the positive ones among them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.weighted import divide

__all__ = ["Ranking", "average_one_versus_rest", "rank_positives"]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The positive samples from the highest score to the lowest, each array [P, R]; ties are passed together.

    Attributes:
        weight: Of each positive sample.
        above: Weight of all samples with a higher score.
        through: Weight of all samples with a score at least as high.
        found: Weight of the positive ones among those.
        total: [R], weight of all samples.
    """

    weight: np.ndarray
    above: np.ndarray
    through: np.ndarray
    found: np.ndarray
    total: np.ndarray


RankScore = Callable[[Ranking], np.ndarray]
"""ranking -> [R], NaN where it is not defined."""


def rank_positives(score_N: np.ndarray, is_positive_N: np.ndarray, weight_NR: np.ndarray) -> Ranking:
    """Rank samples by score; samples come first in memory, so that sums over them run over all weightings at once."""
    order = np.argsort(-score_N, kind="stable")
    descending_N = -score_N[order]
    places = np.flatnonzero(is_positive_N[order])
    begins = np.searchsorted(descending_N, descending_N[places], side="left")
    ends = np.searchsorted(descending_N, descending_N[places], side="right")
    ordered_NR = weight_NR[order]
    positive_PR = ordered_NR[places]
    sums, positive_sums = _sums_before(ordered_NR), _sums_before(positive_PR)
    return Ranking(
        weight=positive_PR,
        above=sums[begins],
        through=sums[ends],
        found=positive_sums[np.searchsorted(places, ends)],
        total=sums[-1],
    )


def average_one_versus_rest(score: RankScore, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
    """Return [R]: the score of class 1 where there are two classes, else the mean over the classes that are present."""
    probability_NC, target_N = outcome.prediction, outcome.target
    weight_NR = np.ascontiguousarray(weight_RN.T)
    if probability_NC.shape[1] == 2:
        return score(rank_positives(probability_NC[:, 1], target_N == 1, weight_NR))
    total_R, defined_R = np.zeros(len(weight_RN)), np.zeros(len(weight_RN))
    for number in np.unique(target_N):
        score_R = score(rank_positives(probability_NC[:, number], target_N == number, weight_NR))
        defined_R += ~np.isnan(score_R)
        total_R += np.nan_to_num(score_R)
    return divide(total_R, defined_R)


def _sums_before(weight_NR: np.ndarray) -> np.ndarray:
    """Return [N + 1, R]: the sum of the rows before each place."""
    sums = np.zeros((len(weight_NR) + 1, weight_NR.shape[1]))
    np.cumsum(weight_NR, axis=0, out=sums[1:])
    return sums
