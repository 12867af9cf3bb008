"""What an agent sees: float32 numbers [batch, *sizes]."""

import math
from typing import Literal

from pydantic import Field

from tutelage.core.shape.base import Shape, TensorSpec
from tutelage.core.shape.views import Vector, View

__all__ = ["ObservationShape"]


class ObservationShape(Shape):
    """Observations of an environment."""

    kind: Literal["observation"] = "observation"
    sizes: tuple[int, ...] = Field((1,), description="Shape of one observation.")

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """One tensor."""
        return {"observation": TensorSpec(self.sizes)}

    @property
    def views(self) -> tuple[View, ...]:
        """A vector."""
        return (Vector(math.prod(self.sizes)),)

    def say(self) -> str:
        """Write the sizes."""
        return f"observations of {'x'.join(map(str, self.sizes)) or '1'} numbers"
