"""Texts of unequal length as token numbers int64 [batch, length] with a mask bool [batch, length]."""

from typing import Literal

from pydantic import Field

from tutelage.core.shape.base import Shape, TensorSpec
from tutelage.core.shape.views import Text, View

__all__ = ["TextShape"]


class TextShape(Shape):
    """One text a row, as tokens."""

    kind: Literal["texts"] = "texts"
    vocabulary_size: int = Field(256, ge=1, description="Number of different tokens.")
    length: int = Field(256, ge=1, description="Most tokens in a row.")

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """Tokens and mask."""
        return {"token": TensorSpec((self.length,), "int64", (self.vocabulary_size,)), "mask": TensorSpec((self.length,), "bool")}

    @property
    def views(self) -> tuple[View, ...]:
        """A text."""
        return (Text(self.vocabulary_size, self.length),)

    def say(self) -> str:
        """Write length and vocabulary."""
        return f"texts of at most {self.length:,} tokens, {self.vocabulary_size:,} different ones"
