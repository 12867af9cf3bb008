"""Log loss after the best temperature: how well classes are told apart, whatever the confidence, in nats; 0 is perfect.

Choose weights by it during training: a model that is only too sure, or not sure enough, is not a worse model, since one
number mends that afterwards (temperature scaling). The plain `loss` would stop such a training too early.

Source: "Rethinking Early Stopping: Refine, Then Calibrate", Berta et al. 2025, arXiv 2501.19195, section 4.
Differs from the paper: the temperature is taken from a grid, which needs no solver and is the same everywhere.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.weighted import WeightedMetric, mean

__all__ = ["RefinedLoss"]

TEMPERATURES = np.geomspace(0.2, 5.0, 65)
"""From five times surer to five times less sure than the model is; neighbors differ by 5 %."""
LEAST = float(np.finfo(np.float64).eps)
"""Probabilities are held this far from 0."""


class RefinedLoss(WeightedMetric):
    """The smallest log loss over temperatures."""

    kind: Literal["refined_loss"] = "refined_loss"
    greater_is_better: ClassVar[bool] = False

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]; each row of weights has its own temperature."""
        log_NC = np.log(np.maximum(outcome.prediction, LEAST))
        rows = np.arange(len(outcome.target))
        losses = []
        for temperature in TEMPERATURES:
            scaled_NC = log_NC / temperature
            top_N = scaled_NC.max(axis=1)
            total_N = top_N + np.log(np.exp(scaled_NC - top_N[:, None]).sum(axis=1))
            losses.append(mean(total_N - scaled_NC[rows, outcome.target], weight_RN))
        best: np.ndarray = np.min(losses, axis=0)
        return best
