"""What is known of one row that was followed through a training, before it is put into words."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch import Tensor, nn

from tutelage.planning.plan import Plan
from tutelage.predictor.predictor import Predictor
from tutelage.task.base import Problem
from tutelage.task.example import Example, Told
from tutelage.training.followed import Call, Followed
from tutelage.training.layers import kind_of_layer, layers_of, owner_of

__all__ = ["FollowedRow", "Moment", "norm"]

MOST_LAYERS = 60
"""Layers that are told one by one; of more, the blocks that hold them."""


@dataclass(frozen=True)
class Moment:
    """When in the training the step is made.

    Attributes:
        step: Of the weights.
        total_steps: Planned.
        epochs: Passes over the data that these steps are.
        progress: From which the learning rate follows.
        rate: A factor on that.
        height: Where the schedule is highest: as `progress`.
        moments: Where the optimizer's memory is from, in words.
        is_start: Whether the weights are those before the first step.
    """

    step: int
    total_steps: int
    epochs: float
    progress: float
    rate: float
    height: float
    moments: str
    is_start: bool


@dataclass(frozen=True)
class FollowedRow:
    """A row, and the step that it led to.

    Attributes:
        folder: The run.
        part: Of the data; or the file that the row is from.
        number: Of the row there, from 1.
        plan: The run's.
        problem: The training, built anew.
        example: The row.
        network: The module that learns.
        prefix: What the names of its parameters begin with.
        start: Its weights before the first step, by name.
        moment: When the step is made.
        followed: The step.
        alone: The same step by an optimizer that remembers nothing; None where it does not.
        at_height: The same step at the schedule's highest learning rate; None where that is this one's.
        predictor: The model that leaves; None for weights of the start.
    """

    folder: Path
    part: str
    number: int
    plan: Plan
    problem: Problem
    example: Example
    network: nn.Module
    prefix: str
    start: Mapping[str, Tensor]
    moment: Moment
    followed: Followed
    alone: Followed | None
    at_height: Followed | None
    predictor: Predictor | None

    @property
    def called(self) -> str:
        """How the row is called: as it was counted, and as its file counts."""
        where = self.example.where
        return f"{self.example.unit} {self.number:,} of {self.part} ({where})" if self.example.unit == "row" else where

    @property
    def floor_share(self) -> float:
        """The share of the floor in the answers that leave; 0 for weights of the start."""
        return self.predictor.companion.share if self.predictor is not None and self.predictor.companion is not None else 0.0

    @cached_property
    def told(self) -> Told:
        """What the outputs say."""
        assert self.followed.outputs is not None
        return self.example.tell(self.followed.outputs)

    @cached_property
    def layers(self) -> list[Call]:
        """The layers that are told, in the order in which they work."""
        return layers_of(self.followed.calls, limit=MOST_LAYERS)

    @cached_property
    def num_modules(self) -> int:
        """The smallest layers that there are, told or not."""
        return len(layers_of(self.followed.calls, limit=2**62))

    def label(self, name: str) -> str:
        """Return how a layer is called: its name and kind."""
        kinds = {call.name: kind_of_layer(call.module)[0] for call in self.layers}
        return f"{name} {kinds.get(name, '')}".strip() if name else "(network)"

    @cached_property
    def parameters(self) -> dict[str, list[str]]:
        """The names of the parameters of each layer that is told, by the layer's name, in order."""
        names = list(dict.fromkeys(call.name for call in self.layers))
        found: dict[str, list[str]] = {}
        for key in self.followed.weights_before:
            own = key.removeprefix(self.prefix)
            layer = owner_of(own, names) or own.rpartition(".")[0]
            found.setdefault(layer, []).append(key)
        place = {name: number for number, name in enumerate(names)}
        return dict(sorted(found.items(), key=lambda item: place.get(item[0], -1)))


def norm(tensors: Iterable[Tensor]) -> float:
    """Return the norm of several tensors together."""
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in tensors))
