"""Bands around forecasts, from how far values of the validation part lay from what was told, by step ahead and series.

Shape letters: B windows, Q levels, H steps ahead, C series.
"""

from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import History
from tutelage.core.typed import Finite

__all__ = ["Bands"]

MOST_STEPS = 100_000
"""Steps ahead, or series, at most."""
MOST_OFFSETS = 200_000
"""Numbers that the header of a predictor's file takes for it, at most."""
DIGITS = 6
"""Significant digits that are kept."""


Length = Annotated[int, Field(ge=0, le=MOST_STEPS)]


class Bands(Calibrator):
    """What is added to a forecast for each level."""

    kind: Literal["bands"] = "bands"
    answers: ClassVar[str] = "forecasts"
    levels: tuple[float, ...] = Field((), description="Shares of values that lie below, rising, each between 0 and 1.")
    sizes: tuple[Length, Length] = Field((0, 0), description="Steps ahead, and series.")
    every: int = Field(
        1, ge=1, le=MOST_STEPS, description="Steps that follow each other and share their offsets; more than 1 of very many."
    )
    offsets: tuple[Finite | None, ...] = Field(
        (), description="For each level, such steps and series what is added, standardized; none where nothing was measured."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Bands":
        """Refuse numbers that do not belong together."""
        if len(self.offsets) != len(self.levels) * -(-self.sizes[0] // self.every) * self.sizes[1]:
            raise ValueError(f"{len(self.offsets)} offsets for {len(self.levels)} levels of {self.sizes[0]} x {self.sizes[1]}")
        if not all(0 < level < 1 for level in self.levels) or sorted(set(self.levels)) != list(self.levels):
            raise ValueError(f"levels {self.levels}: expected rising numbers between 0 and 1")
        return self

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Return no bands: the task makes them of residuals, see `of`."""
        return cls()

    @classmethod
    def of(cls, offsets_QHC: np.ndarray, levels: tuple[float, ...]) -> Self:
        """Hold offsets; NaN where nothing is known of a series: it has no bands."""
        _, horizon, channels = offsets_QHC.shape
        every = min(max(1, horizon), -(-offsets_QHC.size // MOST_OFFSETS) or 1)
        begins = np.arange(0, horizon, every)
        counts = np.diff(np.r_[begins, horizon])[:, None]
        shared_QGC = np.add.reduceat(offsets_QHC, begins, axis=1) / counts
        told = [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in shared_QGC.ravel()]
        return cls(levels=levels, sizes=(horizon, channels), every=every, offsets=tuple(told))

    def array(self) -> np.ndarray:
        """Return the offsets, float64 [Q, H, C], not to be written to; NaN where a series has no bands."""
        return self._array

    @cached_property
    def _array(self) -> np.ndarray:
        # Asked for with every batch, and of thousands of series it takes a while to make.
        groups = -(-self.sizes[0] // self.every)
        shared_QGC = np.array(self.offsets, dtype=np.float64).reshape(len(self.levels), groups, self.sizes[1])
        offsets_QHC = shared_QGC.repeat(self.every, axis=1)[:, : self.sizes[0]]
        offsets_QHC.flags.writeable = False
        return offsets_QHC

    def misfit(self, shape: Shape) -> str:
        """Say where the bands are of other steps or series."""
        asked = shape.view(History)
        if asked is None or self.sizes != (asked.horizon, asked.channels):
            return f"bands of {self.sizes[0]} steps ahead and {self.sizes[1]} series"
        return ""

    def module(self) -> nn.Module:
        """Return what leaves forecasts as they are: bands stand beside them."""
        return _Unchanged()


class _Unchanged(nn.Module):
    """Returns answers as they are."""

    def forward(self, answers: Tensor) -> Tensor:
        """Return float32 [B, H, C]."""
        return answers if answers.dtype == torch.float32 else answers.float()
