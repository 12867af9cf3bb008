"""Table rows with a text each: the tensors of a table (numbers, category codes), then those of a text (tokens, mask)."""

from typing import Literal

from pydantic import Field

from tutelage.core.shape.base import Shape, TensorSpec
from tutelage.core.shape.views import Columns, Mixed, Text, View

__all__ = ["MixedTableShape"]


class MixedTableShape(Shape):
    """Numbers, categories and a text."""

    kind: Literal["mixed_table"] = "mixed_table"
    numbers: int = Field(0, ge=0, description="Number of numeric features after preprocessing.")
    cardinalities: tuple[int, ...] = Field(
        (), description="For each category its number of codes, those for missing and unseen values included."
    )
    vocabulary_size: int = Field(256, ge=1, description="Number of different tokens.")
    length: int = Field(256, ge=1, description="Most tokens in a row.")

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """Numbers, codes, tokens and mask."""
        return {
            "number": TensorSpec((self.numbers,)),
            "category": TensorSpec((len(self.cardinalities),), "int64", self.cardinalities),
            "token": TensorSpec((self.length,), "int64", (self.vocabulary_size,)),
            "mask": TensorSpec((self.length,), "bool"),
        }

    @property
    def views(self) -> tuple[View, ...]:
        """Columns and a text, together."""
        return (Mixed(Columns(self.numbers, self.cardinalities), Text(self.vocabulary_size, self.length)),)

    def say(self) -> str:
        """Write how many of each there are."""
        columns = f"{self.numbers} numbers, {len(self.cardinalities)} categories"
        return f"{columns}, texts of at most {self.length:,} tokens, {self.vocabulary_size:,} different ones"
