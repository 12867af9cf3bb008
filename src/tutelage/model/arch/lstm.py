"""Long short-term memory: gates decide what a cell keeps, takes in and shows, so that it remembers over hundreds of steps.

Source: S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", 1997, Neural Computation 9; forget gate: F. Gers et al.,
"Learning to Forget", 2000; its bias of 1: R. Jozefowicz et al., "An Empirical Exploration of Recurrent Network
Architectures", 2015, ICML. Differs from the papers: orthogonal recurrent weights, no peepholes.

Shape letters: B batch, T steps, D inputs, H width.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.model.arch.recurrent import RecurrentModel
from tutelage.model.layers.recurrent import KernelLayer, RecurrentLayer, chrono

__all__ = ["Lstm"]


class Lstm(RecurrentModel):
    """Settings of the network."""

    kind: Literal["lstm"] = "lstm"
    compiles: ClassVar[bool] = False
    forget_bias: float | Literal["chrono"] = Field(
        1.0,
        description="Bias of the gates that keep, at first; `chrono` spreads it so that memories last up to the whole length.",
    )

    def layer(self, num_inputs: int, length: int) -> RecurrentLayer:
        """Make a layer that reads in one direction."""
        return LstmLayer(num_inputs, self.width, length=length, forget_bias=self.forget_bias)


class LstmLayer(KernelLayer):
    """c' = f c + i tanh(...), h' = o tanh(c'); gates i, f, o of x and h."""

    num_states: ClassVar[int] = 2

    def __init__(self, num_inputs: int, width: int, *, length: int, forget_bias: float | Literal["chrono"]) -> None:
        super().__init__(nn.LSTM(num_inputs, width, batch_first=True))
        # In torch's order: input, forget, candidate, output.
        take_H, keep_H, _, _ = self.weights[2].detach().chunk(4)
        if forget_bias == "chrono":
            chrono(keep_H, length)
            take_H.copy_(-keep_H)
        else:
            keep_H.fill_(forget_bias)

    def step(self, x_BD: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return [B, H] and the state after it."""
        hidden_BH, cell_BH = torch.lstm_cell(x_BD, list(state), *self.weights)
        return hidden_BH, (hidden_BH, cell_BH)
