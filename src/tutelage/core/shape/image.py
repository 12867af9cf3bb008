"""Images as float tensors [batch, channels, height, width], normalized with train statistics."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from tutelage.core.shape.base import Shape, TensorSpec
from tutelage.core.shape.views import Grid, Vector, View

__all__ = ["ImageShape"]


class ImageShape(Shape):
    """Equally large images."""

    kind: Literal["image"] = "image"
    mirrored: ClassVar[Mapping[str, int]] = {"image": -1}
    channels: int = Field(3, ge=1, description="1 = grey, 3 = color.")
    height: int = Field(32, ge=1, description="Pixels from top to bottom.")
    width: int = Field(32, ge=1, description="Pixels from left to right.")

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """One tensor."""
        return {"image": TensorSpec((self.channels, self.height, self.width))}

    @property
    def views(self) -> tuple[View, ...]:
        """A grid, or all pixels in a row."""
        return Grid(self.channels, self.height, self.width), Vector(self.channels * self.height * self.width)

    def say(self) -> str:
        """Write size and color."""
        return f"{self.height}x{self.width} {'color' if self.channels == 3 else 'grey'}"
