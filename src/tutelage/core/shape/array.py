"""Plain arrays [batch, *sizes], given to the model as they are."""

import math
from typing import Literal

from pydantic import Field

from tutelage.core.shape.base import Shape, TensorSpec
from tutelage.core.shape.views import Vector, View

__all__ = ["ArrayShape"]


class ArrayShape(Shape):
    """Arrays of unknown meaning."""

    kind: Literal["array"] = "array"
    sizes: tuple[int, ...] = Field((1,), description="Shape of one row.")

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """One tensor."""
        return {"x": TensorSpec(self.sizes)}

    @property
    def views(self) -> tuple[View, ...]:
        """All entries in a row."""
        return (Vector(math.prod(self.sizes)),)

    def say(self) -> str:
        """Write the sizes."""
        return "x".join(map(str, self.sizes)) or "one number"
