"""Measured series float32 [batch, length, channels] with a mask bool [batch, length]."""

from typing import Literal

from pydantic import Field

from tutelage.core.shape.base import Shape, TensorSpec
from tutelage.core.shape.views import Series, View

__all__ = ["SeriesShape"]


class SeriesShape(Shape):
    """One series a row."""

    kind: Literal["series"] = "series"
    channels: int = Field(1, ge=1, description="Values at a time.")
    length: int = Field(128, ge=1, description="Most times in a row.")
    is_equal: bool = Field(True, description="Whether all rows have that many.")

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """Values and mask."""
        return {"series": TensorSpec((self.length, self.channels)), "mask": TensorSpec((self.length,), "bool")}

    @property
    def views(self) -> tuple[View, ...]:
        """A series."""
        return (Series(self.channels, self.length),)

    def say(self) -> str:
        """Write length and channels."""
        channels = "" if self.channels == 1 else f", {self.channels} values at a time"
        return f"series of {'' if self.is_equal else 'at most '}{self.length:,} times{channels}"
