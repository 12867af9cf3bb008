"""What every floor is: a plain model, fitted in one go to the rows as they were read, that a network has to be worth more than.

It prepares the rows by itself, needs no training loop, and is the same each time it is fitted to the same rows: a run that goes
on fits it anew.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from torch import Tensor, nn

from tutelage.core.shape.base import Shape
from tutelage.core.spec import Component
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.intake import Intake
from tutelage.floor.lens import Lens

__all__ = ["FittedFloor", "Floor", "Telling"]


class Telling(NamedTuple):
    """Something in rows that speaks for a class.

    Attributes:
        name: Such as a word.
        weight: How strongly it does, wherever it is.
        rows: In how many rows it is.
    """

    name: str
    weight: float
    rows: int


class FittedFloor:
    """A floor that was fitted to train rows."""

    def answers(self, part: RowsPart) -> np.ndarray:
        """Return answers in the user's unit: probabilities float64 [N, C] in the order of the classes, or numbers float64 [N].

        Raises:
            DataError: Rows of another kind than it was fitted to.
        """
        raise NotImplementedError

    def telling(self, part: RowsPart, *, limit: int) -> tuple[tuple[Telling, ...], ...]:
        """Return for each class what in these rows speaks for it most, at most `limit` things; () where it cannot say."""
        return ()

    def misfit(self, shape: Shape) -> str:
        """Say what it is for, where it cannot answer beside a model that takes this shape; "" where it can."""
        return ""

    def intake(self) -> Intake | None:
        """Return the way from raw rows to `answers`, float64 in the user's unit, inside a graph; None where there is none."""
        return None

    def graph(self, *, mean: np.ndarray, std: np.ndarray, horizon: int) -> nn.Module | None:
        """Return the module that continues series inside a graph; None where there is none.

        It takes histories float64 [B, S, C], standardized, without gaps, and what is known of these times and those ahead,
        float64 [B, S + H, K], and returns [B, H, C], standardized.

        Args:
            mean: Of each series, float64 [C].
            std: The same for the deviation.
            horizon: H.
        """
        return None

    def state(self) -> dict[str, Any]:
        """Return all that was fitted, but for the tensors, as JSON values; `Floor.restore` takes it back."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """Return the fitted numbers by name."""
        raise NotImplementedError


class Floor(Component):
    """A kind of floor and its settings."""

    family: ClassVar[str] = "floor"
    answers: ClassVar[frozenset[str]] = frozenset({"classes"})
    """The kinds of answers that it can give: those of the tasks that it may stand beside."""
    needs_lens: ClassVar[bool] = False
    """Whether it looks at rows through the network that the training starts from."""
    most_rows: ClassVar[int] = 0
    """Train rows that it can be fitted to; 0 = any number."""
    noun: ClassVar[str]
    """What it is called beside the network, such as `pairs of words, weighted`."""

    def fit(self, part: RowsPart, truth: np.ndarray, *, num_classes: int, seed: int) -> FittedFloor:
        """Learn from train rows.

        Args:
            part: The rows as they were read.
            truth: [N], class codes int64, or numbers float64 in the user's unit.
            num_classes: C; 0 where numbers are learned.
            seed: The same seed gives the same fit.
        """
        raise NotImplementedError

    def fit_through(self, lens: Lens, part: RowsPart, truth: np.ndarray, *, num_classes: int, seed: int) -> FittedFloor:
        """Learn from train rows as a trained network sees them.

        Args:
            lens: That network.
            part: As of `fit`; so with the next.
            truth: Of these rows.
            num_classes: C; 0 where numbers are learned.
            seed: The same seed gives the same fit.
        """
        raise NotImplementedError

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> FittedFloor:
        """Rebuild what `FittedFloor.state` and `tensors` returned.

        Raises:
            ValueError, KeyError: They are not what such a floor says of itself.
        """
        raise NotImplementedError
