"""Fully connected layers on a few numbers and on their sines along random directions: sharp where a plain network is blunt.

When to use it: rows of up to some dozens of numbers that lie in narrow places, such as for a critic that has to tell real points
from points that lie just beside them. Numbers should have a deviation of about 1. Not for pictures, and not for tables with
categories: take `mlp`.

Source: M. Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains", 2020,
arXiv 2006.10739. Differs from the paper: the numbers themselves enter beside their sines, and the directions are learned on.
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

__all__ = ["FourierMLP"]


class FourierMLP(Model):
    """Settings of the perceptron on sines."""

    kind: Literal["fourier_mlp"] = "fourier_mlp"
    views: ClassVar[tuple[type[View], ...]] = (Vector,)
    hidden: tuple[Annotated[int, Field(ge=1, le=2**20)], ...] = Field(
        (128, 128, 128), max_length=1000, description="Units of each hidden layer. Typical: 2 to 4 layers of 64 to 256."
    )
    num_frequencies: int = Field(16, ge=1, le=2**16, description="Directions along which sines are taken. Typical: 8 to 64.")
    frequency_scale: float = Field(
        0.4, gt=0, le=1e6, description="Deviation of the starting frequencies, in periods per deviation. Typical: 0.1 to 1."
    )

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the module."""
        self.require(shape)
        vector = shape.view(Vector)
        assert vector is not None
        waves = Waves(vector.size, num_frequencies=self.num_frequencies, scale=self.frequency_scale)
        sizes = (waves.size, *self.hidden)
        hidden = [layer for before, after in pairwise(sizes) for layer in (nn.Linear(before, after), nn.ReLU())]
        return nn.Sequential(waves, *hidden, mark(nn.Linear(sizes[-1], num_outputs), "output"))
