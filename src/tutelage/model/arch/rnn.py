"""Plain recurrent network: each step's state is a layer of the input and the state before; forgets over some tens of steps.

To be compared with: `lstm` and `gru` have gates that keep, and remember for hundreds of steps.

Source: J. Elman, "Finding Structure in Time", 1990, Cognitive Science 14. Differs from the paper: gradients flow through all
steps; orthogonal recurrent weights.

Shape letters: B batch, T steps, D inputs, H width.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.model.arch.recurrent import RecurrentModel
from tutelage.model.layers.recurrent import KernelLayer, RecurrentLayer

__all__ = ["Rnn"]


class Rnn(RecurrentModel):
    """Settings of the plain recurrent network."""

    kind: Literal["rnn"] = "rnn"
    compiles: ClassVar[bool] = False
    activation: Literal["tanh", "relu"] = Field("tanh", description="Nonlinearity of each step.")

    def layer(self, num_inputs: int, length: int) -> RecurrentLayer:
        """Make a layer that reads in one direction."""
        return RnnLayer(num_inputs, self.width, activation=self.activation)


class RnnLayer(KernelLayer):
    """h' = activation(W x + U h + b)."""

    def __init__(self, num_inputs: int, width: int, *, activation: Literal["tanh", "relu"]) -> None:
        super().__init__(nn.RNN(num_inputs, width, nonlinearity=activation, batch_first=True))
        self._cell = torch.rnn_tanh_cell if activation == "tanh" else torch.rnn_relu_cell

    def step(self, x_BD: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return [B, H] and the state after it."""
        hidden_BH = self._cell(x_BD, state[0], *self.weights)
        return hidden_BH, (hidden_BH,)
