"""Where the rows of a class stand when all are ranked by a score: the base of AUROC and average precision.

Ranking needs all rows at once. A tally keeps of each the score of class 1, the class and the weight: 6 bytes a row for two
classes, 4 C + 2 for C up to 256 of them (twice as much for the scores where these are not float32 in truth, 8 bytes for
weights that are no small whole numbers). The value itself takes about 60 bytes a row for a moment.

Shapes: R = weightings, N = rows, P = the positive ones among them, K = scores that are ranked: 1 for two classes, else C.
"""

from dataclasses import dataclass

import numpy as np

from tutelage.metric.base import Outcome, Tally
from tutelage.metric.tally import Columns, ColumnTally
from tutelage.metric.weighted import WeightedMetric, divide, weights_of

__all__ = ["RankedMetric", "Ranking", "rank_positives"]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The positive rows from the highest score to the lowest, each array [P, R]; ties are passed together.

    Attributes:
        weight: Of each positive row.
        above: Weight of all rows with a higher score.
        through: Weight of all rows with a score at least as high.
        found: Weight of the positive ones among those.
        total: [R], weight of all rows.
    """

    weight: np.ndarray
    above: np.ndarray
    through: np.ndarray
    found: np.ndarray
    total: np.ndarray


class RankedMetric(WeightedMetric):
    """A metric of rankings: that of class 1 where there are two, else the mean of one against the rest."""

    def rate(self, ranking: Ranking) -> np.ndarray:
        """Return the metric of one ranking [R]; NaN where it is not defined."""
        raise NotImplementedError

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        return self._average(_scores(outcome), outcome.target, weight_RN)

    def tally(self) -> Tally:
        """Return a tally that keeps scores, classes and weights."""
        return ColumnTally(_keep, self._finish)

    def _finish(self, columns: Columns) -> float:
        # Scores that are all 0 or 1 are kept as bytes, which have no negative.
        score_NK = columns["score"].astype(np.result_type(columns["score"], np.float32), copy=False)
        return float(self._average(score_NK, columns["target"], columns["weight"][None])[0])

    def _average(self, score_NK: np.ndarray, target_N: np.ndarray, weight_RN: np.ndarray) -> np.ndarray:
        """Return [R]: the score of class 1 where there are two classes, else the mean over the classes that are present."""
        weight_NR = np.ascontiguousarray(weight_RN.T)
        if score_NK.shape[1] == 1:
            return self.rate(rank_positives(score_NK[:, 0], target_N == 1, weight_NR))
        total_R, defined_R = np.zeros(len(weight_RN)), np.zeros(len(weight_RN))
        for number in np.unique(target_N):
            rate_R = self.rate(rank_positives(score_NK[:, number], target_N == number, weight_NR))
            defined_R += ~np.isnan(rate_R)
            total_R += np.nan_to_num(rate_R)
        return divide(total_R, defined_R)


def rank_positives(score_N: np.ndarray, is_positive_N: np.ndarray, weight_NR: np.ndarray) -> Ranking:
    """Rank rows by score; rows come first in memory, so that sums over them run over all weightings at once."""
    # What is as long as the rows is let go as soon as it has served: they may be many millions.
    order = np.argsort(-score_N, kind="stable")
    descending_N, ordered_NR = -score_N[order], weight_NR[order]
    places = np.flatnonzero(is_positive_N[order])
    del order
    sums, positive_PR = _sums_before(ordered_NR), ordered_NR[places].astype(np.float64)
    del ordered_NR
    positive_scores = descending_N[places]
    above = sums[np.searchsorted(descending_N, positive_scores, side="left")]
    ends = np.searchsorted(descending_N, positive_scores, side="right")
    return Ranking(
        weight=positive_PR,
        above=above,
        through=sums[ends],
        found=_sums_before(positive_PR)[np.searchsorted(places, ends)],
        total=sums[-1],
    )


def _scores(outcome: Outcome) -> np.ndarray:
    """Return what is ranked [N, K]."""
    return outcome.prediction[:, 1:] if outcome.prediction.shape[1] == 2 else outcome.prediction


def _keep(outcome: Outcome) -> Columns:
    """Return what ranking needs of each row."""
    return {"score": _scores(outcome), "target": outcome.target, "weight": weights_of(outcome)[0]}


def _sums_before(weight_NR: np.ndarray) -> np.ndarray:
    """Return [N + 1, R]: the sum of the rows before each place."""
    sums = np.zeros((len(weight_NR) + 1, weight_NR.shape[1]))
    np.cumsum(weight_NR, axis=0, dtype=np.float64, out=sums[1:])
    return sums
