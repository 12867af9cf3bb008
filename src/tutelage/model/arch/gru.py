"""Gated recurrent unit: one gate keeps or renews the state, another forgets it for a moment; nearly an LSTM, with less to learn.

Source: K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation", 2014,
arXiv 1406.1078, section 2.3. Differs from the paper: the reset gate acts after the matrix, as cuDNN has it; orthogonal
recurrent weights; a bias that keeps.

Shape letters: B batch, T steps, D inputs, H width.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.model.arch.recurrent import RecurrentModel
from tutelage.model.layers.recurrent import KernelLayer, RecurrentLayer, chrono

__all__ = ["Gru"]


class Gru(RecurrentModel):
    """Settings of the network."""

    kind: Literal["gru"] = "gru"
    compiles: ClassVar[bool] = False
    update_bias: float | Literal["chrono"] = Field(
        1.0,
        description="Bias of the gates that keep, at first; `chrono` spreads it so that memories last up to the whole length.",
    )

    def layer(self, num_inputs: int, length: int) -> RecurrentLayer:
        """Make a layer that reads in one direction."""
        return GruLayer(num_inputs, self.width, length=length, update_bias=self.update_bias)


class GruLayer(KernelLayer):
    """h' = z h + (1 - z) tanh(W x + r U h); gates z and r of x and h."""

    def __init__(self, num_inputs: int, width: int, *, length: int, update_bias: float | Literal["chrono"]) -> None:
        super().__init__(nn.GRU(num_inputs, width, batch_first=True))
        # In torch's order: reset, update, candidate; an update gate of 1 keeps.
        _, keep_H, _ = self.weights[2].detach().chunk(3)
        if update_bias == "chrono":
            chrono(keep_H, length)
        else:
            keep_H.fill_(update_bias)

    def step(self, x_BD: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return [B, H] and the state after it."""
        hidden_BH = torch.gru_cell(x_BD, state[0], *self.weights)
        return hidden_BH, (hidden_BH,)
