"""A trained network through which a floor looks at rows: what each of its stages gives, in numbers; not a component.

Shape letters: N rows, B batch, H and W height and width, C channels, Q fields of a side, F features.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core import catalog
from tutelage.core.shape.base import Shape, shape_from_record
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.model.arch.base import Model
from tutelage.model.example import example_batch

__all__ = ["Lens", "Stages"]

BATCH = 128
PREFIX = "lens/"
"""What the names of the network's tensors begin with, beside those of a floor."""


@dataclass(frozen=True)
class Lens:
    """A network with its preprocessing, as it was before the training.

    Attributes:
        network: On the CPU, in evaluation mode: a chain of stages, the last of which is the head.
        model: How it was built.
        shape: What it takes.
        num_outputs: How many numbers it returns.
        prepare: The kind of its preprocessing.
        fitted: That preprocessing.
    """

    network: nn.Sequential
    model: Model
    shape: Shape
    num_outputs: int
    prepare: str
    fitted: Fitted

    def features(self, part: RowsPart, *, fields: tuple[int, ...]) -> np.ndarray:
        """Return what the stages give for rows, float32 [N, F].

        Raises:
            DataError: Rows that do not fit the preprocessing.
        """
        rows, finisher, stages = self.fitted.apply(part), self.fitted.finisher(), Stages(self, fields)
        with torch.no_grad():
            found = [stages(finisher(rows.take(own))) for own in torch.split(torch.arange(len(rows)), BATCH)]
        return torch.cat(found).numpy() if found else np.empty((0, stages.num_features), np.float32)

    def state(self) -> dict[str, Any]:
        """Return all but the tensors as JSON values."""
        return {
            "model": self.model.model_dump(mode="json"),
            "shape": self.shape.model_dump(mode="json"),
            "num_outputs": self.num_outputs,
            "prepare": self.prepare,
            "fitted": self.fitted.state(),
        }

    def tensors(self) -> dict[str, Tensor]:
        """Return copies of the network's tensors by name."""
        return {PREFIX + name: value.detach().to("cpu", copy=True).contiguous() for name, value in self.network.state_dict().items()}

    @classmethod
    def restored(cls, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "Lens":
        """Rebuild what `state` and `tensors` returned, these beside others.

        Raises:
            ValueError, KeyError, RuntimeError: They are not what a lens says of itself.
        """
        said = dict(state["model"])
        model: Model = catalog.load("model", str(said.get("kind"))).model_validate(said)
        shape, num_outputs = shape_from_record(state["shape"]), int(state["num_outputs"])
        prepare: Prepare = catalog.load("prepare", str(state["prepare"]))()
        network = model.build(shape, num_outputs)
        if not isinstance(network, nn.Sequential):
            raise ValueError(f"model {said.get('kind')!r} is no chain of stages")
        own = {name.removeprefix(PREFIX): value for name, value in tensors.items() if name.startswith(PREFIX)}
        network.load_state_dict(own)
        fitted = prepare.restore(state["fitted"])
        if fitted.shape != shape:
            raise ValueError(f"the preprocessing makes {fitted.shape.say()}, the network takes {shape.say()}")
        return cls(network.eval(), model, shape, num_outputs, str(state["prepare"]), fitted)


class Stages(nn.Module):
    """What the network takes to the square roots of what its stages give, the means over fields of a picture; [B, F].

    Square roots, with their signs, since what many stages give is far from even: mostly nothing, and now and then a lot.
    """

    def __init__(self, lens: Lens, fields: tuple[int, ...]) -> None:
        super().__init__()
        self.name = next(iter(lens.shape.tensors))
        self.stages = nn.ModuleList(list(lens.network)[:-1])
        self.fields = fields
        with torch.no_grad():
            self.num_features = int(self(example_batch(lens.shape, 1)).shape[1])

    def forward(self, given: dict[str, Tensor]) -> Tensor:
        """Return the features."""
        held, found = given[self.name], []
        for stage in self.stages:
            held = stage(held)
            found += [pooled(held, count) for count in self.fields] if held.dim() == 4 else [held.flatten(1)]
        joined_BF = torch.cat(found, dim=1)
        return torch.sign(joined_BF) * torch.sqrt(torch.abs(joined_BF))


def pooled(maps_BCHW: Tensor, count: int) -> Tensor:
    """Return the means over `count` x `count` fields of maps, [B, C * count ** 2], as products, which any graph may hold."""
    height, width = (_means(size, count) for size in maps_BCHW.shape[2:])
    return (height @ maps_BCHW @ width.T).flatten(1)


def _means(size: int, count: int) -> Tensor:
    """Return the matrix [count, size] whose rows average over fields of nearly equal size, as adaptive pooling does."""
    return F.adaptive_avg_pool1d(torch.eye(size), count).T
