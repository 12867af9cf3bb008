"""Arrays given from Python, as they are or standardized; whole numbers stay whole for modules that look them up.

For your own module and your own features: nothing is guessed about what the numbers mean.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.shape.array import ArrayShape
from tutelage.core.typed import Size, take
from tutelage.data.part.array import ArrayPart
from tutelage.data.part.base import Part
from tutelage.data.prepare.array_intake import ArrayIntake
from tutelage.data.prepare.base import Fitted, Prepare, unsuited
from tutelage.data.rows.base import Rows
from tutelage.data.rows.dense import DenseRows
from tutelage.data.rows.picked import PickedRows

__all__ = ["Array", "FittedArray"]

PIECE_BYTES = 2**24
"""Bytes that are converted at a time."""


SMALLEST, LARGEST = 1e-30, 1e30
"""What lies between is a number in float32, and so is its deviation."""


class Array(Prepare):
    """Settings of the preprocessing of arrays."""

    kind: Literal["array"] = "array"
    standardize: Literal["none", "feature", "whole"] = Field(
        "none",
        description="none = values as given; feature = mean 0, deviation 1 of each entry; whole = of all entries together "
        "(whole numbers stay).",
    )

    def fit(self, part: Part) -> "FittedArray":
        """Learn the shape and, where asked for, mean and deviation of each entry."""
        part = _as_array(part)
        sizes, kind = part.held.shape[1:], part.held.dtype
        largest = max((float(np.abs(piece).max()) for _, piece in _pieces(part)), default=0.0) if kind.kind == "f" else 0.0
        if largest and not SMALLEST < largest < LARGEST:
            found = f"values of up to {largest:.3g}, which no float32 can be computed with"
            raise DataError([DataProblem("inputs", found, "Scale them before, such as by dividing by that.")])
        if self.standardize == "none" or kind.kind != "f":
            # Bytes are pixels and are computed with, and so is yes or no; other whole numbers are looked up, in embeddings.
            return FittedArray(sizes, kind.kind in "fb" or kind == np.uint8, None, None)
        inputs, over = part.inputs, 0 if self.standardize == "feature" else None
        deviation = np.broadcast_to(inputs.std(axis=over, dtype=np.float64), sizes)
        mean = np.broadcast_to(inputs.mean(axis=over, dtype=np.float64), sizes).astype(np.float32)
        return FittedArray(sizes, True, mean, np.where(deviation > 0, deviation, 1.0).astype(np.float32))

    def restore(self, state: Mapping[str, Any]) -> "FittedArray":
        """Rebuild what `FittedArray.state` returned."""
        mean, deviation = (None if state[key] is None else np.array(state[key], np.float32) for key in ("mean", "deviation"))
        return FittedArray(tuple(take(state, "sizes", list[Size])), take(state, "is_float", bool), mean, deviation)


@dataclass(frozen=True)
class FittedArray(Fitted):
    """Fitted preprocessing of arrays.

    Attributes:
        sizes: Shape of one row.
        is_float: Whether the values are used as float32 (else int64).
        mean: float32, shape `sizes`, or None where values stay as given.
        deviation: float32, shape `sizes`, or None where values stay as given.
    """

    row_form: ClassVar[str] = "numbers"
    sizes: tuple[int, ...]
    is_float: bool
    mean: np.ndarray | None
    deviation: np.ndarray | None

    @property
    def shape(self) -> ArrayShape:
        """Shape of one row."""
        return ArrayShape(sizes=self.sizes)

    def apply(self, part: Part) -> Rows:
        """Return `x`, float32, int64, or uint8 for pixels [N, *sizes].

        Raises:
            DataError: Rows have another shape than the train rows, or fractions where those were whole.
        """
        part = _as_array(part)
        sizes, kind = part.held.shape[1:], part.held.dtype
        if sizes != self.sizes:
            remedy = f"The model was trained with {list(self.sizes)}."
            raise DataError([DataProblem("inputs", f"each row has the shape {list(sizes)}", remedy)])
        if not self.is_float and kind.kind == "f" and any((piece != np.floor(piece)).any() for _, piece in _pieces(part)):
            raise DataError([DataProblem("inputs", "numbers with fractions", "The model was trained with whole numbers.")])
        # Pixels stay bytes until they are used.
        wanted = np.dtype(np.int64 if not self.is_float else np.uint8 if kind == np.uint8 else np.float32)
        if kind == wanted:
            held = _shared(part.held)
            return DenseRows({"x": held}) if part.rows is None else PickedRows({"x": held}, part.rows)
        values = np.empty((len(part), *sizes), dtype=wanted)
        for start, piece in _pieces(part):
            _require_room(piece, wanted, first=start)
            values[start : start + len(piece)] = piece
        return DenseRows({"x": torch.from_numpy(values)})

    def finisher(self) -> nn.Module:
        """Return the module that turns bytes into float32, and standardizes where that was fitted."""
        return Standardize(self.mean, self.deviation, is_float=self.is_float)

    def undone(self) -> nn.Module:
        """Return the module that gives values in the unit of the arrays."""
        return Undone(self.mean, self.deviation)

    def intake(self) -> ArrayIntake:
        """Return the way from rows as they are given."""
        return ArrayIntake(self.sizes, self.is_float, self.finisher())

    def undo(self, samples: Tensor) -> ArrayPart:
        """Return values in the unit of the arrays that were given, float32 [N, *sizes]."""
        values = samples.numpy()
        if self.mean is not None and self.deviation is not None:
            values = values * self.deviation + self.mean
        return ArrayPart("generated", values.astype(np.float32), None, "")

    def reading(self) -> dict[str, Any]:
        """Return that arrays are to be passed on as they are."""
        return {"as_given": True}

    def say(self) -> str:
        """Write the sizes."""
        return f"{self.shape.say()}, {'as given' if self.mean is None else 'standardized'}"

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        return {
            "sizes": list(self.sizes),
            "is_float": self.is_float,
            "mean": None if self.mean is None else self.mean.tolist(),
            "deviation": None if self.deviation is None else self.deviation.tolist(),
        }


class Standardize(nn.Module):
    """(value - mean) / std of each entry, where both are given; a cast to float32 else, where values are numbers."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: np.ndarray | None, std: np.ndarray | None, *, is_float: bool) -> None:
        super().__init__()
        self.is_float = is_float
        self.is_scaled = mean is not None and std is not None
        self.register_buffer("mean", torch.from_numpy(mean) if mean is not None else torch.zeros(()), persistent=False)
        self.register_buffer("std", torch.from_numpy(std) if std is not None else torch.ones(()), persistent=False)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the batch with `x` ready for the model."""
        x = batch["x"].float() if self.is_float else batch["x"]
        return {**batch, "x": (x - self.mean) / self.std if self.is_scaled else x}


class Undone(nn.Module):
    """value * std + mean of each entry, where both are given."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: np.ndarray | None, std: np.ndarray | None) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()) if mean is None else torch.from_numpy(mean), persistent=False)
        self.register_buffer("std", torch.ones(()) if std is None else torch.from_numpy(std), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Return float32 [B, *sizes]."""
        return samples * self.std + self.mean


def _pieces(part: ArrayPart) -> Iterator[tuple[int, np.ndarray]]:
    """Yield rows in pieces of bounded size, each with the number of its first row."""
    step = max(1, PIECE_BYTES // max(1, part.held[:1].nbytes))
    for start in range(0, len(part), step):
        piece = slice(start, start + step)
        yield start, part.held[piece if part.rows is None else part.rows[piece]]


def _require_room(piece: np.ndarray, wanted: np.dtype[Any], *, first: int) -> None:
    """Refuse values that the type of the model's inputs cannot hold."""
    if wanted == np.uint8 or not piece.size:
        return
    limit = np.finfo(np.float32).max if wanted == np.float32 else np.iinfo(np.int64).max
    fits = np.abs(piece) <= limit if piece.dtype.kind == "f" else piece <= limit if piece.dtype.kind == "u" else None
    if fits is not None and not fits.all():
        row = int(np.argmin(fits.reshape(len(piece), -1).all(axis=1)))
        found = f"holds {piece[row][~fits[row]].flat[0]}, more than a {wanted} can"
        raise DataError([DataProblem(f"inputs row {first + row}", found, "Scale the inputs, or mend the row.")])


def _shared(array: np.ndarray) -> Tensor:
    """Return a tensor of the same memory, also of memory that must not be written: batches are copies of its rows."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def _as_array(part: Part) -> ArrayPart:
    """Return the part if it is arrays.

    Raises:
        DataError: It is not.
    """
    if isinstance(part, ArrayPart):
        return part
    raise unsuited(part, "these are no arrays", "arrays")
