"""Table rows as two tensors: numbers float32 [batch, numbers], and category codes int64 [batch, len(cardinalities)]."""

from typing import Literal

from pydantic import Field

from tutelage.core.shape.base import Shape, TensorSpec
from tutelage.core.shape.views import Columns, View

__all__ = ["TableShape"]


class TableShape(Shape):
    """Numbers and categories."""

    kind: Literal["table"] = "table"
    numbers: int = Field(1, ge=0, description="Number of numeric features after preprocessing.")
    cardinalities: tuple[int, ...] = Field(
        (), description="For each category its number of codes, those for missing and unseen values included."
    )

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """Both tensors, in the order in which a model takes them."""
        codes = TensorSpec((len(self.cardinalities),), "int64", self.cardinalities)
        return {"number": TensorSpec((self.numbers,)), "category": codes}

    @property
    def views(self) -> tuple[View, ...]:
        """Columns."""
        return (Columns(self.numbers, self.cardinalities),)

    def say(self) -> str:
        """Write how many of each there are."""
        return f"{self.numbers} numbers, {len(self.cardinalities)} categories"
