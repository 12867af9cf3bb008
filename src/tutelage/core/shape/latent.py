"""Random numbers float32 [batch, size] that a generator starts from."""

from typing import Literal

from pydantic import Field

from tutelage.core.shape.base import Shape, TensorSpec
from tutelage.core.shape.views import Vector, View

__all__ = ["LatentShape"]


class LatentShape(Shape):
    """Independent standard normal numbers."""

    kind: Literal["latent"] = "latent"
    size: int = Field(16, ge=1, description="How many for each sample.")

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """One tensor."""
        return {"latent": TensorSpec((self.size,))}

    @property
    def views(self) -> tuple[View, ...]:
        """A vector."""
        return (Vector(self.size),)

    def say(self) -> str:
        """Write the size."""
        return f"{self.size} random numbers"
