"""How a recurrent network continues series: it reads a window, level and spread taken out, and tells all coming times at its end.

Shape letters: B batch, L times before, H times after, C channels, K known numbers.
"""

import torch
from torch import Tensor, nn

from tutelage.core.shape.views import History
from tutelage.model.layers.recurrent import RecurrentNet
from tutelage.model.layers.repeating import Repeating
from tutelage.model.layers.reversible import reversible
from tutelage.model.layers.roles import mark

__all__ = ["Continued"]


class Continued(nn.Module):
    """Reads channels together, beside what is known of each time; a linear path takes what repeats off its hands.

    What is known of a coming time is added by weight.
    """

    def __init__(self, net: RecurrentNet, history: History) -> None:
        """Take a network that reads [B, L, C + K] and answers [B, H C]."""
        super().__init__()
        self.net, self.horizon = net, history.horizon
        self.linear = Repeating(history)
        self.known = mark(nn.Linear(history.known, history.channels, bias=False), "output") if history.known else None
        if self.known is not None:
            nn.init.zeros_(self.known.weight)

    def forward(self, past_BLC: Tensor, known_BSK: Tensor | None = None) -> Tensor:
        """Return [B, H, C]."""
        batch, length, channels = past_BLC.shape
        scale = reversible(past_BLC)
        read = scale.apply(past_BLC.float())
        if self.known is not None and known_BSK is not None:
            read = torch.cat([read, known_BSK[:, :length]], dim=-1)
        mask_BL = torch.ones(batch, length, dtype=torch.bool, device=past_BLC.device)
        answer_BHC = self.net(read, mask_BL).view(batch, self.horizon, channels)
        answer_BHC = answer_BHC + self.linear(read[..., :channels].transpose(1, 2)).transpose(1, 2)
        if self.known is not None and known_BSK is not None:
            answer_BHC = answer_BHC + self.known(known_BSK[:, length:])
        return scale.undo(answer_BHC)
