"""Multilayer perceptron: fully connected layers on table rows, flattened images or arrays; also as a weight-sharing ensemble.

The choice for tables: numbers enter as sines of learned frequencies, categories as 0/1 entries, and several members that
share their large weights give one answer each. For images of more than about 32 x 32 pixels take a convolutional network.
"""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Columns, Mixed, Vector, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.dropout import SharedDropout
from tutelage.model.layers.inputs import make_input
from tutelage.model.layers.joined import Joined
from tutelage.model.layers.members import MemberHead, MemberInput
from tutelage.model.layers.roles import mark

__all__ = ["MLP"]

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}


class MLP(Model):
    """Settings of the multilayer perceptron."""

    renamed: ClassVar[dict[str, str]] = {"num_waves": "num_frequencies"}
    kind: Literal["mlp"] = "mlp"
    views: ClassVar[tuple[type[View], ...]] = (Columns, Vector, Mixed)
    widths_of: ClassVar[tuple[str, ...]] = ("hidden", "embedding_size")
    hidden: tuple[Annotated[int, Field(ge=1, le=2**20)], ...] = Field(
        (256, 256, 256), max_length=1000, description="Units of each hidden layer. Typical: 1 to 4 layers of 64 to 512."
    )
    activation: Literal["relu", "gelu", "silu", "tanh"] = Field("relu", description="Nonlinearity after each hidden layer.")
    norm: Literal["none", "layer", "batch"] = Field("none", description="Normalization before each nonlinearity.")
    dropout: float = Field(
        0.1, ge=0, lt=1, description="Probability that a hidden unit is left out in a training step. Typical: 0 to 0.5."
    )
    members: int = Field(
        1,
        ge=1,
        le=1024,
        description="Networks with shared weights whose answers are averaged. Typical: 1, or 8 to 32 for tables.",
    )
    numbers: Literal["periodic", "plain"] = Field(
        "periodic", description="How numbers of a table enter: as sines of learned frequencies, or as they are."
    )
    frequency_scale: float = Field(
        1.0, gt=0, le=1e6, description="Standard deviation of the starting frequencies. Typical: 0.05 (smooth) to 2 (wild)."
    )
    num_frequencies: int = Field(24, ge=1, le=2**16, description="Learned frequencies of each number. Typical: 8 to 64.")
    embedding_size: int = Field(
        16, ge=1, le=2**16, description="Length of the vector of a number or of a long category. Typical: 8 to 32."
    )
    one_hot_limit: int = Field(
        64, ge=0, le=2**20, description="Categories with more codes than this get a learned vector instead of 0/1 entries."
    )

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the module."""
        self.require(shape)
        inputs = make_input(
            shape,
            numbers=self.numbers,
            frequency_scale=self.frequency_scale,
            num_frequencies=self.num_frequencies,
            embedding_size=self.embedding_size,
            one_hot_limit=self.one_hot_limit,
        )
        sizes = (inputs.size, *self.hidden)
        hidden = [self._block(before, after) for before, after in pairwise(sizes)]
        if hidden and not inputs.has_matrices:
            # Else the embedding of the numbers is the layer that touches the data.
            mark(hidden[0], "input")
        if self.members == 1:
            return Joined(inputs, *hidden, mark(nn.Linear(sizes[-1], num_outputs), "output"))
        spread = MemberInput(self.members, size=inputs.size)
        head = mark(MemberHead(self.members, size=sizes[-1], num_outputs=num_outputs), "output")
        return Joined(inputs, spread, *hidden, head, num_members=self.members)

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
