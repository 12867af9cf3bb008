"""Amounts, standardized for the loss: mean 0 and standard deviation 1 on the train rows."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from tutelage.core.errors import DataError
from tutelage.data.target.bad_labels import bad_labels, say_label
from tutelage.data.target.base import Locate, Target, check_labels, locate_row, plain_labels

__all__ = ["Numbers", "fit_numbers"]


class Numbers(Target):
    """Numbers with their scale."""

    kind: Literal["numbers"] = "numbers"
    mean: float = Field(0.0, description="Of the train labels, in their unit.")
    std: float = Field(1.0, gt=0, description="Standard deviation of the train labels, in their unit.")

    def encode(self, labels: np.ndarray, *, locate: Locate | None = None) -> np.ndarray:
        """Return (label - mean) / std as float32 [N]."""
        return ((self.truth(labels, locate=locate) - self.mean) / self.std).astype(np.float32)

    def truth(self, labels: np.ndarray, *, locate: Locate | None = None) -> np.ndarray:
        """Return float64 [N]; labels that are not finite numbers are told of, once for each of them."""
        if labels.dtype.kind in "iuf" and np.isfinite(labels).all():
            return labels.astype(np.float64)
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
        return values

    def decode(self, answers: np.ndarray) -> np.ndarray:
        """Return values in the labels' unit, float64 of the same shape."""
        return np.asarray(answers, dtype=np.float64) * self.std + self.mean

    def labels(self, answers: np.ndarray) -> list[Any]:
        """Return the numbers themselves."""
        return [float(number) for number in answers]


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
    return Numbers(mean=float(values.mean()), std=float(values.std()) or 1.0, reason=reason)
