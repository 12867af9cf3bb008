"""Amounts, standardized for the loss: mean 0 and standard deviation 1 on the train rows."""

from typing import Any, Literal

import numpy as np
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.target.bad_labels import bad_labels, say_label
from tutelage.data.target.base import Locate, Target, check_labels, locate_row, place_of, plain_labels

__all__ = ["Numbers", "fit_numbers"]


LARGEST, SMALLEST = 1e100, 1e-100
"""Squares and sums of what lies between are numbers, in the user's unit too, in which errors are measured."""
MAX_DEVIATIONS = 1e15
"""Their squares are numbers in float32."""
MIN_RELATIVE = 1e-14
"""Differences of labels below this share of them are those of rounding."""


class Numbers(Target):
    """Numbers with their scale."""

    kind: Literal["numbers"] = "numbers"
    mean: float = Field(0.0, description="Of the train labels, in their unit.")
    std: float = Field(1.0, gt=0, description="Standard deviation of the train labels, in their unit.")

    def encode(self, labels: np.ndarray, *, locate: Locate | None = None) -> np.ndarray:
        """Return (label - mean) / std as float32 [N]; labels that are too far away for that are told of."""
        values = self.truth(labels, locate=locate)
        scaled = (values - self.mean) / self.std
        far = np.flatnonzero(np.abs(scaled) > MAX_DEVIATIONS).tolist()
        if far:
            found = f"{{!r}} is more than {MAX_DEVIATIONS:g} standard deviations ({self.std:.3g}) from the train labels".format
            remedy = "Mend it, or leave the row out."
            raise DataError(bad_labels(values.tolist(), far, locate=locate or locate_row, found=found, remedy=remedy))
        return scaled.astype(np.float32)

    def truth(self, labels: np.ndarray, *, locate: Locate | None = None) -> np.ndarray:
        """Return float64 [N]; labels that are not finite numbers are told of, once for each of them."""
        if labels.dtype.kind in "iuf" and np.isfinite(labels).all():
            values = labels.astype(np.float64)
            self._check_size(values, locate=locate)
            return values
        plain = plain_labels(labels)
        values = np.full(len(plain), np.nan)
        for row, label in enumerate(plain):
            try:
                values[row] = float(label) if isinstance(label, str | int | float) else np.nan
            except (ValueError, OverflowError):
                continue
        bad = np.flatnonzero(~np.isfinite(values)).tolist()
        if bad:
            remedy = "Expected a number; if these are names of classes, say so with --task."
            raise DataError(bad_labels(plain, bad, locate=locate or locate_row, found=say_label, remedy=remedy))
        self._check_size(values, locate=locate)
        return values

    def _check_size(self, values: np.ndarray, *, locate: Locate | None) -> None:
        """Refuse numbers whose errors could not be squared and summed."""
        large = np.flatnonzero(np.abs(values) > LARGEST).tolist()
        if large:
            remedy = "Give the target in another unit, its logarithm, or mend it."
            found = f"{len(large):,} labels are" if len(large) > 1 else "the label is"
            found += f" too large to learn from (limit {LARGEST:g}), such as {values[large[0]]:g}"
            raise DataError([DataProblem((locate or locate_row)(large[0]), found, remedy, items=tuple(large))])

    def how(self, label_1: np.ndarray) -> str:
        """Write how the number is standardized."""
        (value,) = self.truth(label_1).tolist()
        less = f"- {self.mean:.6g}" if self.mean >= 0 else f"+ {-self.mean:.6g}"
        scaled = f"({value:.6g} {less}) / {self.std:.6g} = {(value - self.mean) / self.std:.4g}"
        return f"{scaled}, by mean and deviation of the train rows"

    def decode(self, answers: np.ndarray) -> np.ndarray:
        """Return values in the labels' unit, float64 of the same shape."""
        return np.asarray(answers, dtype=np.float64) * self.std + self.mean

    def decoder(self) -> nn.Module:
        """Return the module that brings standardized numbers to the labels' unit."""
        return _Unit(self.mean, self.std)

    def labels(self, answers: np.ndarray) -> list[Any]:
        """Return the numbers themselves."""
        return [float(number) for number in answers]


class _Unit(nn.Module):
    """answer * std + mean."""

    def __init__(self, mean: float, std: float) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, answers: Tensor) -> Tensor:
        """Return float64 of the same shape."""
        return answers.double() * self.std + self.mean


def _check_spread(values: np.ndarray, *, locate: Locate | None) -> None:
    """Refuse numbers whose differences vanish when they are squared, or beside the numbers themselves."""
    spread, largest = float(values.max() - values.min()), float(np.abs(values).max())
    if spread < SMALLEST:
        found = f"all labels lie within {spread:.3g} of each other, too close for their errors to be squared"
        raise DataError([DataProblem(place_of(values, locate), found, "Give the target in another unit.")])
    if spread < MIN_RELATIVE * largest:
        found = f"labels around {values[0]:g} differ by {spread:.3g} at most, which is how exactly numbers are held"
        raise DataError([DataProblem(place_of(values, locate), found, "Subtract what all have in common.")])


def fit_numbers(labels: np.ndarray, *, reason: str, locate: Locate | None = None) -> Numbers:
    """Learn mean and standard deviation from the train labels.

    Args:
        labels: [N] of int or float, or text that reads as numbers.
        reason: Why these are taken for numbers.
        locate: Names a row, for messages.

    Raises:
        DataError: A label is missing or no number, or all are equal.

    Example:
        >>> fit_numbers(np.array([1.5, 2.5, 3.5]), reason="").decode(np.array([0.0])).tolist()
        [2.5]
    """
    check_labels(labels, locate=locate)
    values = Numbers().truth(labels, locate=locate)
    _check_spread(values, locate=locate)
    return Numbers(mean=float(values.mean()), std=float(values.std()) or 1.0, reason=reason)
