"""Random numbers float32 [batch, size + classes] that a generator starts from, with what it is to make of them."""

from typing import Annotated, Literal

from pydantic import Field

from tutelage.core.shape.base import Shape, TensorSpec
from tutelage.core.shape.views import Canvas, Vector, View

__all__ = ["LatentShape"]

PICTURE_DIMENSIONS = 3


class LatentShape(Shape):
    """Independent standard normal numbers; after them, where classes are wanted, a 1 for the wanted one and 0 for the others."""

    kind: Literal["latent"] = "latent"
    size: int = Field(16, ge=1, description="How many for each sample.")
    classes: int = Field(0, ge=0, description="Classes of which one is wanted; 0 where there are none.")
    sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (3, 1, 1),
        description="Dimensions of a sample that is made; those of a picture are channels, height and width.",
    )

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """One tensor."""
        return {"latent": TensorSpec((self.size + self.classes,))}

    @property
    def views(self) -> tuple[View, ...]:
        """A vector; of what becomes a picture also a canvas."""
        vector = Vector(self.size + self.classes)
        return (Canvas(vector.size, *self.sizes), vector) if len(self.sizes) == PICTURE_DIMENSIONS else (vector,)

    def say(self) -> str:
        """Write the size."""
        return f"{self.size} random numbers" + (f" and one of {self.classes} classes" if self.classes else "")
