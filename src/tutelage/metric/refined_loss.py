"""Log loss after the best temperature, with one mistake imagined: how well classes are told apart, in nats; 0 is perfect.

Choose weights by it during training: a model that is only too sure, or not sure enough, is not a worse model, since one
number mends that afterwards (temperature scaling). The plain `loss` would stop such a training too early.

N rows cannot tell that a model errs less than about once in N rows. Where all N are right, the more confident the better:
the best temperature would be 0, whatever the model. So one more row is imagined, alike to all rows in its probabilities and
of every class alike in its truth. It keeps the temperature finite, and with it the score the same for logits of any scale.

Source: "Rethinking Early Stopping: Refine, Then Calibrate", Berta et al. 2025, arXiv 2501.19195, section 4; the imagined row:
"Probabilistic Outputs for Support Vector Machines", Platt 1999, whose targets are (N + 1) / (N + 2) in place of 1.
Differs from the papers: the temperature is taken from a grid, which adds up over rows; one imagined row for all classes.
"""

import math
from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.tally import Sums
from tutelage.metric.weighted import SummedMetric, divide

__all__ = ["RefinedLoss"]

SHARPNESS = 2.0 ** np.arange(-6, 6.25, 0.25)
"""1 / temperature: from 64 times less sure to 64 times surer than the model is; neighbors differ by 19 %."""
LEAST = float(np.finfo(np.float32).smallest_subnormal)
"""Probabilities are held this far from 0: the smallest that a network can give."""
PLACES = np.arange(-2, 3)
"""Points of the grid through which a curve is laid around the smallest; it errs by about 1e-5 nats."""


class RefinedLoss(SummedMetric):
    """The smallest log loss over temperatures, of the rows and one imagined row."""

    kind: Literal["refined_loss"] = "refined_loss"
    title: ClassVar[str] = "refined loss"
    greater_is_better: ClassVar[bool] = False

    def weigh(self, outcome: Outcome, weight_RN: np.ndarray) -> Sums:
        """Return what the loss at each temperature consists of.

        With log p_c / T for the logits, the loss of class c is log sum_k exp(log p_k / T) - log p_c / T. The first part is
        summed for each temperature, [R, T]; of the second log p of the right class and its mean over classes, each [R].
        """
        log_NC = np.log(np.maximum(outcome.prediction, LEAST))
        top_N1 = log_NC.max(axis=1, keepdims=True)
        below_NC = log_NC - top_N1
        total_NT = np.stack([np.log(np.exp(sharpness * below_NC).sum(axis=1)) for sharpness in SHARPNESS], axis=1)
        return {
            "total": weight_RN @ (total_NT + SHARPNESS * top_N1),
            "right": weight_RN @ np.take_along_axis(log_NC, outcome.target[:, None], axis=1)[:, 0],
            "mean": weight_RN @ log_NC.mean(axis=1),
            "weight": weight_RN.sum(1),
        }

    def finish(self, sums: Sums) -> np.ndarray:
        """Return the metric [R]; each weighting has its own temperature."""
        weight_R = sums["weight"]
        # One of N + 1 rows is imagined.
        share_R = 1 / (weight_R + 1)
        expected_R = (1 - share_R) * sums["right"] + share_R * sums["mean"]
        return _smallest(divide(sums["total"] - SHARPNESS * expected_R[:, None], weight_R[:, None]))

    @classmethod
    def noise(cls, value: float, *, num_rows: int) -> float:
        """Return the standard error of a mean of losses, which are spread about as widely as they are large."""
        return abs(value) / math.sqrt(max(num_rows, 1))


def _smallest(loss_RT: np.ndarray) -> np.ndarray:
    """Return the smallest value [R] of the smooth curve through the losses; without it the grid itself would be seen."""
    best_R = loss_RT.argmin(axis=1)
    middle_R = best_R.clip(-PLACES[0], loss_RT.shape[1] - 1 - PLACES[-1])
    around_RP = np.take_along_axis(loss_RT, middle_R[:, None] + PLACES, axis=1)
    # At the ends of the grid there is no curve on both sides of the smallest value.
    curve_R: np.ndarray = np.where(best_R == middle_R, (around_RP @ CURVE).min(axis=1), loss_RT.min(axis=1))
    return curve_R


def _curve(num_points: int = 65) -> np.ndarray:
    """Return the matrix [P, num_points] from values at `PLACES` to Lagrange's polynomial between the two next to the middle."""
    points = np.linspace(-1, 1, num_points)
    others = [[other for other in PLACES if other != place] for place in PLACES]
    return np.stack(
        [
            np.prod([(points - other) / (place - other) for other in rest], axis=0)
            for place, rest in zip(PLACES, others, strict=True)
        ]
    )


CURVE = _curve()
