"""What was measured up to a moment, float32 [batch, length, channels], and what is known of all times, the coming ones too."""

from typing import Literal

from pydantic import Field

from tutelage.core.shape.base import Shape, TensorSpec
from tutelage.core.shape.views import History, View

__all__ = ["ForecastShape"]


class ForecastShape(Shape):
    """A stretch of several series before a moment, to be continued."""

    kind: Literal["forecast"] = "forecast"
    channels: int = Field(1, ge=1, description="Series that are continued.")
    length: int = Field(96, ge=1, description="Times before the moment.")
    horizon: int = Field(24, ge=1, description="Times after it, to be told.")
    known: int = Field(0, ge=0, description="Numbers known at each time beforehand, such as the hour of the day.")

    season: int = Field(1, ge=1, description="Times after which values come again; 1 where they do not.")

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """The measured values, and what is known of past and coming times where anything is."""
        past = {"past": TensorSpec((self.length, self.channels))}
        return past | ({"known": TensorSpec((self.length + self.horizon, self.known))} if self.known else {})

    @property
    def views(self) -> tuple[View, ...]:
        """A history."""
        return (History(self.channels, self.length, self.horizon, self.known, self.season),)

    def say(self) -> str:
        """Write length, series and horizon."""
        known = f", {self.known} numbers known beforehand" if self.known else ""
        return f"{self.length:,} times of {self.channels:,} series{known}, {self.horizon:,} times ahead"
