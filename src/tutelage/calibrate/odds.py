"""Probabilities as logarithms, and one class against the rest, for calibrators: in NumPy to fit, in torch to answer.

Shape letters: N, B rows; C classes; K curves, one for each class, or one alone where there are two classes.
"""

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

__all__ = ["LEAST", "MOST_CLASSES", "Number", "OneAgainstRest", "curves", "log_odds", "logs", "smoothed"]

LEAST = float(np.finfo(np.float32).tiny)
"""Probabilities are held this far from 0: their logarithms stand for logits."""
LEAST_REST = float(np.finfo(np.float32).eps)
"""Of more than two classes, the probability of the rest is held this far from 0: it comes of 1 minus a float32."""
MOST_CLASSES = 100_000
"""Classes at most, where a file names numbers for each."""
Number = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
"""A fitted number, as a file may hold it."""


def logs(prediction: np.ndarray) -> np.ndarray:
    """Return the logarithms of probabilities, which stand for logits: softmax takes one back to the other."""
    return np.asarray(np.log(np.maximum(prediction, LEAST)))


def smoothed(hits: np.ndarray, *, num_classes: int) -> np.ndarray:
    """Return hits (0 or 1) [N, ...] with one row more imagined, of every class alike.

    N rows cannot tell that a model errs less than about once in N rows; without that row, one that never errs would be made
    infinitely sure.

    Source: "Probabilistic Outputs for Support Vector Machines", Platt 1999, section 2.2. Differs from the paper: one row for
    all classes in place of one for each.
    """
    rows = len(hits)
    return np.asarray((rows * hits + 1 / num_classes) / (rows + 1))


def log_odds(prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each curve the logarithms of the class's probability and of that of the rest, each [N, K]."""
    if prediction.shape[1] == 2:
        return logs(prediction[:, 1:]), logs(prediction[:, :1])
    return logs(prediction), np.log(np.maximum(1 - prediction, LEAST_REST))


def curves(target: np.ndarray, *, num_classes: int) -> np.ndarray:
    """Return for each curve which rows are of its class, float64 [N, K]."""
    numbers = np.arange(1, 2) if num_classes == 2 else np.arange(num_classes)
    hit_NK: np.ndarray = (target[:, None] == numbers).astype(np.float64)
    return hit_NK


class OneAgainstRest(nn.Module):
    """Changes the log odds of each class by a curve of its own, and brings the probabilities back to a sum of 1."""

    def __init__(self, curve: nn.Module) -> None:
        """Hold the curve: it takes the logarithms of the class's and of the rest's probability, and returns log odds [B, K]."""
        super().__init__()
        self.curve = curve

    def forward(self, probability_BC: Tensor) -> Tensor:
        """Return probabilities float32 [B, C]."""
        if probability_BC.shape[-1] == 2:
            log_B2 = probability_BC.clamp_min(LEAST).log()
            odds_B1 = self.curve(log_B2[:, 1:], log_B2[:, :1])
            return torch.sigmoid(torch.cat([-odds_B1, odds_B1], dim=-1))
        rest_BC = (1 - probability_BC).clamp_min(LEAST_REST).log()
        own_BC = torch.sigmoid(self.curve(probability_BC.clamp_min(LEAST).log(), rest_BC))
        return own_BC / own_BC.sum(dim=-1, keepdim=True).clamp_min(LEAST)
