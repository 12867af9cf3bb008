"""Batches from tensors held in memory: gather rows, finish them for the model, augment the whole batch."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from tutelage.core.seeds import derive
from tutelage.data.augment.base import Augment
from tutelage.data.order import Order

__all__ = ["FiniteStream"]


class FiniteStream:
    """An endless run of equally large batches over a finite set of rows; its whole state is one integer."""

    def __init__(
        self,
        rows,
        *,
        batch_size: int,
        seed: int,
        device: str = "cpu",
        finish: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None,
        augment: Augment | None = None,
        rank=0,
        world=1,
    ) -> None:
        """Hold the rows.

        Args:
            tensors: Inputs, `target` and, if samples count differently, `weight`; first dimension N each.
            batch_size: Rows in each batch.
            seed: The run's seed.
            device: Where batches are made and used.
            finish: Turns gathered rows into what the model takes.
            augment: Random changes of the finished batch, or None.
        """
        self.epoch_size = len(rows)
        self.batch_size = batch_size
        self._rows = rows
        self._order = Order(self.epoch_size, seed=seed)
        self._seed = seed
        self._device = torch.device(device)
        self._finish = finish
        self._augment = augment
        self._generator = torch.Generator()
        self._position = 0

    def next(self) -> dict[str, Tensor]:
        """Return the next batch, on the device."""
        rows = self._order.rows(self._position, self.batch_size)
        batch = self._rows.take(rows)
        if self._device.type != "cpu":
            batch = {name: tensor.pin_memory().to(self._device, non_blocking=True) for name, tensor in batch.items()}
        if self._finish is not None:
            batch = self._finish(batch)
        if self._augment is not None:
            batch = self._augment.apply(batch, self._generator.manual_seed(derive(self._seed, "augment", self._position)))
        self._position += self.batch_size
        return batch

    def observe(self, report: object) -> None:
        """Take note of a step; a fixed data set learns nothing from it."""

    def state(self) -> dict[str, Any]:
        """Return the position."""
        return {"position": self._position}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a position."""
        self._position = int(state["position"])
