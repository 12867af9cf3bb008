"""Arrays as they are given, before an exported graph; standardized inside where that was fitted."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from tutelage.data.part.array import ArrayPart
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.intake import Feed, Intake, RawInput, row_batches

__all__ = ["ArrayIntake"]


@dataclass(frozen=True)
class ArrayIntake(Intake):
    """Rows of numbers.

    Attributes:
        sizes: Shape of one row.
        is_float: Whether they are computed with; else they are looked up.
        finisher: What the preprocessing does to them.
    """

    sizes: tuple[int, ...]
    is_float: bool
    finisher: nn.Module

    @property
    def inputs(self) -> tuple[RawInput, ...]:
        """One."""
        kind = "numbers" if self.is_float else "whole numbers"
        return (RawInput("x", "float32" if self.is_float else "int64", self.sizes, f"{kind}, as the model was trained with"),)

    def module(self) -> nn.Module:
        """Return the finisher."""
        return self.finisher

    def feed(self, part: RowsPart) -> Feed:
        """Yield rows."""
        assert isinstance(part, ArrayPart)
        for rows in row_batches(len(part)):
            yield rows, {"x": part.select(rows).inputs.astype(np.float32 if self.is_float else np.int64)}
