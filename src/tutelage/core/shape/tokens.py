"""Token numbers int64 [batch, length], such as the characters of a text."""

from typing import Literal

from pydantic import Field

from tutelage.core.shape.base import Shape, TensorSpec
from tutelage.core.shape.views import Tokens, View

__all__ = ["TokensShape"]


class TokensShape(Shape):
    """Equally long pieces of text as tokens."""

    kind: Literal["tokens"] = "tokens"
    vocabulary_size: int = Field(256, ge=1, description="Number of different tokens.")
    length: int = Field(128, ge=1, description="Tokens in a piece.")

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """One tensor."""
        return {"token": TensorSpec((self.length,), "int64", (self.vocabulary_size,))}

    @property
    def views(self) -> tuple[View, ...]:
        """Tokens."""
        return (Tokens(self.vocabulary_size, self.length),)

    def say(self) -> str:
        """Write length and vocabulary."""
        return f"{self.length} tokens of {self.vocabulary_size} different ones"
