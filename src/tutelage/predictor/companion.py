"""The floor in a predictor: a plain model whose answers have a share in those that leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from tutelage.core import catalog
from tutelage.core.typed import Finite, take
from tutelage.data.part.base import RowsPart
from tutelage.floor.base import FittedFloor, Floor

__all__ = ["FloorShare", "floor_from", "parted"]

PREFIX = "floor/"
"""What the names of its tensors begin with; a network's have points, never a stroke."""


@dataclass(frozen=True)
class FloorShare:
    """A fitted floor, and its share in the answers.

    Attributes:
        floor: Which one.
        fitted: What it has learned.
        share: In (0, 1]; the network has the rest.
    """

    floor: Floor
    fitted: FittedFloor
    share: float

    def mix(self, network: np.ndarray, part: RowsPart) -> np.ndarray:
        """Return the mean of the network's answers for some rows and the floor's, by their shares."""
        return (1 - self.share) * network + self.share * self.fitted.answers(part)

    def record(self) -> dict[str, Any]:
        """Return what the predictor's header says of it."""
        return {"floor": self.floor.model_dump(mode="json"), "state": self.fitted.state(), "share": self.share}

    def tensors(self) -> dict[str, Tensor]:
        """Return its tensors as they stand in the predictor's file."""
        return {PREFIX + name: tensor for name, tensor in self.fitted.tensors().items()}


def parted(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the network's tensors and the floor's, these under their own names."""
    own = {name: tensor for name, tensor in tensors.items() if not name.startswith(PREFIX)}
    return own, {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items() if name.startswith(PREFIX)}


def floor_from(record: Mapping[str, Any] | None, tensors: Mapping[str, Tensor]) -> FloorShare | None:
    """Return what `FloorShare.record` and its tensors say; None where there is none.

    Raises:
        ValueError, TypeError, LookupError: They do not say it.
    """
    if record is None:
        if tensors:
            raise ValueError(f"{len(tensors)} tensors of a floor, and nothing is said of one")
        return None
    said = dict(record["floor"])
    floor: Floor = catalog.load("floor", str(said.get("kind"))).model_validate(said)
    share: float = take(record, "share", Finite)
    if not 0 < share <= 1:
        raise ValueError(f"share = {share:g} of the floor must be in (0, 1]")
    return FloorShare(floor, floor.restore(record["state"], tensors), share)
