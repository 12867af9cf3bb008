"""Linear model: one weighted sum per output (linear, logistic or softmax regression, by the loss).

A fast floor that shows how much the deeper models gain. Table categories enter as 0/1 entries; images are flattened.
"""

from typing import ClassVar, Literal

from pydantic import Field
from torch import nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Columns, Mixed, Vector, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.inputs import make_input
from tutelage.model.layers.joined import Joined
from tutelage.model.layers.roles import mark

__all__ = ["Linear"]


class Linear(Model):
    """Settings of the linear model; its weights start at zero."""

    kind: Literal["linear"] = "linear"
    views: ClassVar[tuple[type[View], ...]] = (Columns, Vector, Mixed)
    bias: bool = Field(True, description="Add a learned constant to each output.")
    one_hot_limit: int = Field(
        256, ge=0, le=2**20, description="Categories with more codes than this get a learned vector instead of 0/1 entries."
    )

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the module."""
        self.require(shape)
        inputs = make_input(shape, one_hot_limit=self.one_hot_limit)
        head = mark(nn.Linear(inputs.size, num_outputs, bias=self.bias), "output")
        nn.init.zeros_(head.weight)
        if self.bias:
            nn.init.zeros_(head.bias)
        return Joined(inputs, head)
