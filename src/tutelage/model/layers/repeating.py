"""A linear map from a window to the times after it that begins by saying the last season once more.

Shape letters: L times before, H times after.
"""

import torch
from torch import nn

from tutelage.core.shape.views import History
from tutelage.model.layers.roles import mark

__all__ = ["Repeating"]


class Repeating(nn.Linear):
    """[..., L] -> [..., H]; where there is no season, the last value is repeated."""

    def __init__(self, history: History) -> None:
        super().__init__(history.length, history.horizon)
        mark(self, "output")
        with torch.no_grad():
            self.bias.zero_()
            self.weight.zero_()
            self.weight[torch.arange(history.horizon), torch.tensor(history.again())] = 1.0
