"""Real samples that generated ones are compared with: those of each part, seen in the space in which they are compared.

Shape letters: N samples, F features.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from tutelage.task.base import Batch
from tutelage.task.rows import PreparedPart, RowsData
from tutelage.task.sample_space import SampleSpace, choose_space

__all__ = ["MAX_COMPARED", "Compared", "RealPart"]

MAX_COMPARED = 2_000
"""Samples that are compared with each other: neighbors cost the square of their number."""
MAX_TRAIN = 10_000
"""Train rows that the space is made of, and that are looked through for the nearest one."""


@dataclass(frozen=True)
class RealPart:
    """Real samples of one part.

    Attributes:
        samples: As the network takes them, float32 [N, ...] on the CPU.
        features: In the space of comparison, float64 [N, F].
        classes: Class numbers int64 [N]; None where none are wanted.
    """

    samples: Tensor
    features: np.ndarray
    classes: Tensor | None


class Compared:
    """Parts of the data as samples, made when they are first asked for."""

    def __init__(self, data: RowsData, finisher: Callable[[Batch], Batch], *, name: str, device: str, seed: int) -> None:
        """Note where samples come from.

        Args:
            data: All parts.
            finisher: Turns compact rows into what the network takes.
            name: The batch's tensor that is a sample.
            device: Where the finisher is.
            seed: The run's.
        """
        self._data, self._finisher, self._name, self._device, self._seed = data, finisher, name, device, seed
        self._parts: dict[str, RealPart] = {}

    def size(self, name: str) -> int:
        """Return how many samples of a part are compared; 0 where there is no such part."""
        parts = self._data.parts()
        return min(len(parts[name]), MAX_COMPARED) if name in parts else 0

    @cached_property
    def train(self) -> PreparedPart:
        """Train rows, evenly spaced where there are very many."""
        return self._data.train.some(MAX_TRAIN)

    @cached_property
    def train_samples(self) -> Tensor:
        """These as samples."""
        return self._samples(self.train)

    @cached_property
    def space(self) -> SampleSpace:
        """Where samples are compared; made of every second train row."""
        labels = self.train.part.labels
        return choose_space(self.train_samples[::2], None if labels is None else labels[::2], seed=self._seed)

    def __getitem__(self, name: str) -> RealPart:
        """Return a part of the data by its name."""
        if name not in self._parts:
            some = self._data.parts()[name].some(MAX_COMPARED)
            samples = self._samples(some)
            self._parts[name] = RealPart(samples, self.space.features(samples), some.target)
        return self._parts[name]

    def reference(self, count: int) -> np.ndarray:
        """Return the features of at most `count` train rows that the space was not made of, float64 [N, F]."""
        return self._others[:count]

    @cached_property
    def _others(self) -> np.ndarray:
        """The features of every train row that the space was not made of, as far as they are ever needed."""
        return self.space.features(self.train_samples[1::2][:MAX_COMPARED])

    def _samples(self, prepared: PreparedPart) -> Tensor:
        """Return rows as the network takes them, piece by piece."""
        pieces = []
        for numbers in torch.split(torch.arange(len(prepared)), MAX_COMPARED):
            batch = {key: value.to(self._device) for key, value in prepared.rows.take(numbers).items()}
            pieces.append(self._finisher(batch)[self._name].float().cpu())
        return torch.cat(pieces)
