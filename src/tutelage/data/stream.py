"""Batches from a finite set of rows: gather them, finish them for the model, augment the whole batch.

Where the rows lie on a disk, or the batch has to go to a graphics card, the next one is gathered in the background. What is
computed - finishing and augmenting - stays in the thread that trains, so the bits are the same either way.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from tutelage.core.seeds import derive
from tutelage.core.typed import Count, take
from tutelage.data.ahead import Ahead
from tutelage.data.augment.base import Augment
from tutelage.data.augment.draw import PartGenerator
from tutelage.data.order import LengthOrder, Order
from tutelage.data.pinned import Pinned, PinnedBuffers
from tutelage.data.rows.base import Rows

__all__ = ["FiniteStream"]

Batch = dict[str, Tensor]


class FiniteStream:
    """An endless run of equally large batches over a finite set of rows; its whole state is one integer.

    Rows of unequal length come in batches of like lengths. Of several processes each gets its part of every batch, cut as
    micro-batches are: epochs and positions count whole batches, and a row's changes do not depend on how many processes there
    are.

    Attributes:
        epoch_size: Rows in one pass over the data.
        batch_size: Rows in a batch, over all processes.
    """

    def __init__(
        self,
        rows: Rows,
        *,
        batch_size: int,
        seed: int,
        device: str = "cpu",
        finish: Callable[[Batch], Batch] | None = None,
        augment: Augment | None = None,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """Hold the rows.

        Args:
            rows: Inputs, `target` and, if samples count differently, `weight`.
            batch_size: Rows in each batch, over all processes.
            seed: The run's seed.
            device: Where batches are made and used.
            finish: Turns gathered rows into what the model takes, each row by itself.
            augment: Random changes of the finished batch, or None.
            rank: Number of this process, from 0.
            world: Processes that share each batch.
        """
        self.epoch_size = len(rows)
        self.batch_size = batch_size
        self._seed = seed
        self._device = torch.device(device)
        self._finish = finish
        self._augment = augment
        self._part = _part(batch_size, rank=rank, world=world)
        self._generator = torch.Generator() if world == 1 else _part_generator(batch_size, self._part)
        # Padding goes by the longest row of the whole batch, as it does for micro-batches: cut after it.
        self._cuts_late = rows.lengths is not None and world > 1
        self._gather = _Gather(
            rows,
            seed=seed,
            batch_size=batch_size,
            part=slice(None) if self._cuts_late else self._part,
            buffers=PinnedBuffers(self._device) if self._device.type == "cuda" else None,
        )
        self._ahead = Ahead(self._gather) if rows.is_on_disk or self._device.type == "cuda" else None
        self._position = 0

    def next(self) -> Batch:
        """Return the next batch, or this process's part of it, on the device.

        Raises:
            Exception: Whatever taking the rows raised; the position stays.
        """
        position, after = self._position, self._position + self.batch_size
        compact = self._gather(position) if self._ahead is None else self._ahead.take(position, then=after)
        batch = self._sent(compact)
        if self._finish is not None:
            batch = self._finish(batch)
        if self._cuts_late:
            batch = {name: tensor[self._part] for name, tensor in batch.items()}
        if self._augment is not None:
            batch = self._augment.apply(batch, self._generator.manual_seed(derive(self._seed, "augment", position)))
        self._position = after
        return batch

    def row_numbers(self) -> Tensor:
        """Return the numbers of the last batch's rows, or of this process's part of it, int64 [B], in its order."""
        return self._gather.row_numbers(self._position - self.batch_size, self._part)

    def renew(self) -> None:
        """Drop nothing: no batch depends on weights."""

    def observe(self, report: object) -> None:
        """Take note of a step; a fixed data set learns nothing from it."""

    def state(self) -> dict[str, Any]:
        """Return the position after the batches that were handed out, whatever is being prepared."""
        return {"position": self._position}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a position; what was prepared ahead is dropped, and its thread ends."""
        if self._ahead is not None:
            self._ahead.stop()
        self._position = take(state, "position", Count)

    def _sent(self, compact: Batch | Pinned) -> Batch:
        """Return a gathered batch on the device."""
        if isinstance(compact, Pinned):
            return compact.send()
        return {name: tensor.to(self._device) for name, tensor in compact.items()}


class _Gather:
    """Takes the rows of a batch; it holds no stream, so that a thread at work on it keeps none alive."""

    def __init__(self, rows: Rows, *, seed: int, batch_size: int, part: slice, buffers: PinnedBuffers | None) -> None:
        """Order the rows: at random, or in batches of like lengths where they have lengths."""
        self._rows = rows
        self._seed = seed
        self._batch_size = batch_size
        self._part = part
        self._buffers = buffers
        self._order = self._make_order()
        # A thread may be at work with the other one, which remembers the epoch it was asked for.
        self._order_asked: Order | None = None

    def _make_order(self) -> Order:
        """Return the order of the rows; equal ones each time."""
        lengths = self._rows.lengths
        if lengths is None:
            return Order(len(self._rows), seed=self._seed)
        return LengthOrder(lengths, batch_size=self._batch_size, seed=self._seed)

    def row_numbers(self, position: int, part: slice) -> Tensor:
        """Return the rows of a part of the batch that begins at a position."""
        if self._order_asked is None:
            self._order_asked = self._make_order()
        return torch.as_tensor(self._order_asked.rows(position, self._batch_size)[part])

    def __call__(self, position: int) -> Batch | Pinned:
        """Return the batch that begins at a position, in pinned memory where it goes to a graphics card."""
        batch = self._rows.take(self._order.rows(position, self._batch_size)[self._part])
        return batch if self._buffers is None else self._buffers.fill(batch)


def _part(batch_size: int, *, rank: int, world: int) -> slice:
    """Return which rows of a batch a process gets: those of the micro-batch of its number."""
    own = torch.arange(batch_size).tensor_split(world)[rank]
    begin = int(own[0]) if len(own) else batch_size
    return slice(begin, begin + len(own))


def _part_generator(batch_size: int, part: slice) -> PartGenerator:
    """Return the source of an augmentation's randomness where several processes share a batch."""
    generator = PartGenerator()
    generator.num_rows, generator.part = batch_size, part
    return generator
