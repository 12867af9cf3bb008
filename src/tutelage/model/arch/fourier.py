"""Multilayer perceptron that sees its numbers also as sines of their mixtures, and so tells apart what lies close together.

When to use it: rows of a few numbers whose answer changes fast in narrow places, as for the critic of a generator of points. For
many numbers there are too many directions; take `mlp`.

Source: M. Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains", 2020,
arXiv 2006.10739, equation 5. Differs from the paper: frequencies are learned too, and the numbers stay beside the sines.
"""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Vector, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.roles import mark
from tutelage.model.layers.waves import Waves

__all__ = ["Fourier"]


class Fourier(Model):
    """Settings of the perceptron over sines."""

    kind: Literal["fourier"] = "fourier"
    views: ClassVar[tuple[type[View], ...]] = (Vector,)
    widths_of: ClassVar[tuple[str, ...]] = ("hidden", "num_frequencies")
    hidden: tuple[Annotated[int, Field(ge=1, le=2**20)], ...] = Field(
        (96, 96, 96, 96), max_length=1000, description="Units of each hidden layer."
    )
    num_frequencies: int = Field(16, ge=1, le=2**16, description="Learned mixtures of the numbers, of each its sine and cosine.")
    scale: float = Field(
        1.0,
        gt=0,
        le=1e6,
        description="Standard deviation of the starting frequencies, in periods per unit of a standardized number.",
    )

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the module."""
        self.require(shape)
        vector = shape.view(Vector)
        assert vector is not None
        waves = Waves(vector.size, num_frequencies=self.num_frequencies, scale=self.scale)
        sizes = (vector.size + 2 * self.num_frequencies, *self.hidden)
        hidden = [layer for before, after in pairwise(sizes) for layer in (nn.Linear(before, after), nn.ReLU())]
        return nn.Sequential(waves, *hidden, mark(nn.Linear(sizes[-1], num_outputs), "output"))
