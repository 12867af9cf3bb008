"""Multilayer perceptron: fully connected layers on table rows, flattened images or arrays; also as a weight-sharing ensemble.

The choice for tables: numbers enter as learned waves, categories as 0/1 entries, and several members that share their
large weights give one answer each. For images of more than about 32 x 32 pixels take a convolutional network.
"""

from itertools import pairwise
from typing import Literal

from pydantic import Field
from torch import nn

from tutelage.core.shape.base import Shape
from tutelage.model.arch.base import Model
from tutelage.model.layers.dropout import SharedDropout
from tutelage.model.layers.inputs import make_input
from tutelage.model.layers.joined import Joined
from tutelage.model.layers.members import MemberHead, MemberInput

__all__ = ["MLP"]

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}


class MLP(Model):
    """Settings of the multilayer perceptron."""

    kind: Literal["mlp"] = "mlp"
    hidden: tuple[int, ...] = Field(
        (256, 256, 256), description="Units of each hidden layer. Typical: 1 to 4 layers of 64 to 512."
    )
    activation: Literal["relu", "gelu", "silu", "tanh"] = Field("relu", description="Nonlinearity after each hidden layer.")
    norm: Literal["none", "layer", "batch"] = Field("none", description="Normalization before each nonlinearity.")
    dropout: float = Field(
        0.1, ge=0, lt=1, description="Share of hidden units left out in each training step. Typical: 0 to 0.5."
    )
    members: int = Field(
        1, ge=1, description="Networks with shared weights whose answers are averaged. Typical: 1, or 8 to 32 for tables."
    )
    numbers: Literal["periodic", "plain"] = Field(
        "periodic", description="How numbers of a table enter: as learned waves, or as they are."
    )
    frequency_scale: float = Field(
        1.0, gt=0, description="Spread of the waves' starting frequencies. Typical: 0.05 (smooth) to 2 (wild)."
    )
    num_waves: int = Field(24, ge=1, description="Waves for each number. Typical: 8 to 64.")
    embedding_size: int = Field(16, ge=1, description="Length of the vector of a number or of a long category. Typical: 8 to 32.")
    one_hot_limit: int = Field(
        64, ge=0, description="Categories with more codes than this get a learned vector instead of 0/1 entries."
    )

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the module."""
        inputs = make_input(
            shape,
            numbers=self.numbers,
            frequency_scale=self.frequency_scale,
            num_waves=self.num_waves,
            embedding_size=self.embedding_size,
            one_hot_limit=self.one_hot_limit,
        )
        sizes = (inputs.size, *self.hidden)
        hidden = [self._block(before, after) for before, after in pairwise(sizes)]
        if self.members == 1:
            return Joined(inputs, *hidden, nn.Linear(sizes[-1], num_outputs))
        spread = MemberInput(self.members, size=inputs.size)
        return Joined(inputs, spread, *hidden, MemberHead(self.members, size=sizes[-1], num_outputs=num_outputs))

    def _block(self, num_inputs: int, num_units: int) -> nn.Sequential:
        """Make a hidden layer."""
        block: list[nn.Module] = [nn.Linear(num_inputs, num_units)]
        if self.norm == "layer":
            block.append(nn.LayerNorm(num_units))
        elif self.norm == "batch":
            block.append(nn.BatchNorm1d(num_units))
        block.append(ACTIVATIONS[self.activation]())
        if self.dropout:
            block.append(SharedDropout(self.dropout))
        return nn.Sequential(*block)
