"""What every preprocessing gives: fitted on train rows only, applied to any part, saved as JSON with the model."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from torch import Tensor

from tutelage.core.schema import InputShape
from tutelage.core.spec import Component
from tutelage.data.source.base import Part

__all__ = ["Fitted", "Prepare"]


class Fitted(Protocol):
    """Fitted preprocessing: the same object in training, evaluation and prediction."""

    @property
    def shape(self) -> InputShape:
        """What the model receives after `finish`."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the tensors, in the order in which the model's forward takes them."""

    def apply(self, part: Part) -> dict[str, Tensor]:
        """Turn a part into compact tensors held in memory, one row per item (uint8 [N, H, W, C] for images).

        Raises:
            DataError: Items that do not fit what was fitted, all of them.
        """

    def finish(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Turn rows of those tensors into what the model takes (normalized float [B, C, H, W] for images); on any device."""

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values; `Prepare.restore` takes it back."""


class Prepare(Component):
    """A kind of preprocessing."""

    family: ClassVar[str] = "prepare"

    def fit(self, part: Part) -> Fitted:
        """Learn statistics from train rows.

        Raises:
            DataError: Nothing usable is left, with the reason for each column.
        """
        raise NotImplementedError

    def restore(self, state: Mapping[str, Any]) -> Fitted:
        """Rebuild what `Fitted.state` returned."""
        raise NotImplementedError
