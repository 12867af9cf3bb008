"""What every target is: learned from the train labels, encodes labels for the loss and answers for people."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from torch import nn

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.names import shorten
from tutelage.core.spec import Component
from tutelage.data.target.bad_labels import Locate, bad_labels, say_label

__all__ = ["Label", "Locate", "Target", "check_labels", "locate_row", "place_of", "plain_labels"]

Label = str | int | float | bool


class Target(Component):
    """A kind of target; `kind` is also the kind of answers that losses and metrics must fit."""

    family: ClassVar[str] = "target"
    reason: str = Field("", description="Why the labels are taken for this.")

    @property
    def classes(self) -> tuple[Label, ...]:
        """Class names in the order of the probabilities; () where there are no classes."""
        return ()

    def encode(self, labels: np.ndarray, *, locate: Locate | None = None) -> np.ndarray:
        """Return what the loss compares with, [N].

        Args:
            labels: [N], str, int, float, bool or None.
            locate: Names a row, for messages.

        Raises:
            DataError: Every label that does not fit.
        """
        raise NotImplementedError

    def truth(self, labels: np.ndarray, *, locate: Locate | None = None) -> np.ndarray:
        """Return what metrics compare with, [N], in the user's unit.

        Raises:
            DataError: Every label that does not fit.
        """
        raise NotImplementedError

    def decode(self, answers: np.ndarray) -> np.ndarray:
        """Turn a model's answers into the user's unit, float64."""
        raise NotImplementedError

    def decoder(self) -> nn.Module:
        """Return the module that does what `decode` does, in an exported graph."""
        return nn.Identity()

    def labels(self, answers: np.ndarray) -> list[Any]:
        """Return one answer a row as people say it: the name of the most probable class, or the number."""
        raise NotImplementedError

    def how(self, label_1: np.ndarray) -> str:
        """Write what the loss compares with one label, given as [1], and how it comes of it."""
        return str(self.encode(label_1)[0])

    def match(self, labels: np.ndarray, *, part: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Bring labels to the spelling of the train labels; return them with a warning for each that differed."""
        return labels, ()


def check_labels(labels: np.ndarray, *, locate: Locate | None = None) -> list[Any]:
    """Return labels as plain Python objects.

    Raises:
        DataError: A label is missing, or all are equal.
    """
    plain = plain_labels(labels)
    absent = [row for row, label in enumerate(plain) if label is None or label != label]
    if absent:
        remedy = "Fill it in, or leave the row out."
        raise DataError(bad_labels(plain, absent, locate=locate or locate_row, found=say_label, remedy=remedy))
    odd = [row for row, label in enumerate(plain) if not isinstance(label, str | int | float)]
    if odd:
        remedy = "Only names, numbers and yes or no can be predicted: write it as one of them."
        raise DataError(bad_labels(plain, odd, locate=locate or locate_row, found=say_label, remedy=remedy))
    if len(set(plain)) < 2:
        only = f"every label is {shorten(plain[0])}" if plain else "there are no labels"
        raise DataError(
            [DataProblem(place_of(plain, locate), only, "At least two different labels are needed: is it the right column?")]
        )
    return plain


def plain_labels(labels: np.ndarray) -> list[Any]:
    """Return labels as Python objects; whole floats become int, so that 3.0 and 3 are one class."""
    return [int(label) if isinstance(label, float) and label.is_integer() else label for label in labels.tolist()]


def place_of(labels: Sequence[object] | np.ndarray, locate: Locate | None) -> str:
    """Name the place of all labels, by the first of them."""
    return f"target, from {locate(0)} on" if locate is not None and len(labels) else "target"


def locate_row(row: int) -> str:
    """Name a row by its position, where nothing better is known."""
    return f"row {row}"
