"""What an agent sees: float32 numbers [batch, *sizes]; of pixels bytes 0 to 255, which the network itself brings to 0 to 1."""

import math
from typing import Literal

from pydantic import Field

from tutelage.core.shape.base import Shape, TensorSpec
from tutelage.core.shape.views import Grid, Vector, View

__all__ = ["ObservationShape"]


class ObservationShape(Shape):
    """Observations of an environment."""

    kind: Literal["observation"] = "observation"
    sizes: tuple[int, ...] = Field((1,), description="Shape of one observation; channels, height, width of pixels.")
    pixels: bool = Field(False, description="Whether they are pictures.")

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """One tensor."""
        return {"observation": TensorSpec(self.sizes)}

    @property
    def views(self) -> tuple[View, ...]:
        """A vector; pixels also as a grid."""
        vector = Vector(math.prod(self.sizes))
        if not self.pixels:
            return (vector,)
        channels, height, width = self.sizes
        return Grid(channels, height, width), vector

    def say(self) -> str:
        """Write the sizes."""
        sizes = "x".join(map(str, self.sizes)) or "1"
        return f"pictures of {sizes}" if self.pixels else f"observations of {sizes} numbers"
