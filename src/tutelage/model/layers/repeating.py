"""A linear map from a window to the times after it that begins by saying what is usual: it has little left to learn.

Source: of the linear path beside another network: G. Lai et al., "Modeling Long- and Short-Term Temporal Patterns with Deep
Neural Networks" (LSTNet), 2018, arXiv 1703.07015, section 3.6. Differs from the paper: one map for all series; how it begins.

Shape letters: L times before, H times after.
"""

import torch
from torch import Tensor, nn

from tutelage.core.shape.views import History
from tutelage.model.layers.roles import mark

__all__ = ["Repeating", "usual"]


class Repeating(nn.Linear):
    """[..., L] -> [..., H]."""

    def __init__(self, history: History) -> None:
        super().__init__(history.length, history.horizon)
        mark(self, "output")
        with torch.no_grad():
            self.bias.zero_()
            self.weight.copy_(usual(history))


def usual(history: History) -> Tensor:
    """Return weights [H, L] of the mean of the last season, and how each of its times usually departs from it in this window.

    Where there is no season, or not a whole one, the last value is repeated.
    """
    length, season = history.length, history.season
    weight_HL = torch.zeros(history.horizon, length)
    if not 1 < season <= length:
        weight_HL[:, -1] = 1.0
        return weight_HL
    count = length // season
    weight_HL[:, length - season :] += 1 / season
    weight_HL[:, length - count * season :] -= 1 / (count * season)
    for step in range(history.horizon):
        first = length - count * season + step % season
        weight_HL[step, first::season] += 1 / count
    return weight_HL
