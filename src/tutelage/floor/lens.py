"""A trained network through which a floor looks at rows: what each of its stages gives, in numbers; not a component.

Shape letters: N rows, V views, B batch, C channels, H and W height and width, F features.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core import catalog
from tutelage.core.shape.base import Shape, shape_from_record
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.data.rows.base import Rows
from tutelage.model.arch.base import Model
from tutelage.model.bounded import refuse_misfit, within
from tutelage.model.example import example_batch

__all__ = ["Lens", "Stages"]

BATCH = 128
SHIFTS = ((-1, 0), (1, 0), (0, -1), (0, 1))
PER_SHIFT = 28
"""Pixels of a side for each by which a picture is shifted, at least one."""
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

    def features(self, rows: Rows, *, detail: float, is_shifted: bool = False) -> np.ndarray:
        """Return what the stages give for rows, float32 [V, N, F].

        Args:
            rows: As the preprocessing prepared them.
            detail: How finely pictures are looked at, as of `Stages`.
            is_shifted: Whether pictures are also looked at a little higher, lower, further left and right: V = 5 in place of 1.
        """
        finisher, stages = self.fitted.finisher(), Stages(self, detail)
        ways = ((0, 0), *SHIFTS) if is_shifted else ((0, 0),)
        found_VNF = np.empty((len(ways), len(rows), stages.num_features), np.float32)
        for own in torch.split(torch.arange(len(rows)), BATCH):
            given = finisher(rows.take(own))[stages.name]
            for view, way in enumerate(ways):
                with torch.no_grad():
                    found_VNF[view, own.numpy()] = stages({stages.name: _shifted(given, way)}).numpy()
        return found_VNF

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
        held = self.network.state_dict()
        return {PREFIX + name: value.detach().to("cpu", copy=True).contiguous() for name, value in held.items()}

    @classmethod
    def restored(cls, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "Lens":
        """Rebuild what `state` and `tensors` returned, these beside others.

        Raises:
            ValueError, KeyError: They are not what a lens says of itself.
        """
        said = dict(state["model"])
        model: Model = catalog.load("model", str(said.get("kind"))).model_validate(said)
        shape, num_outputs = shape_from_record(state["shape"]), int(state["num_outputs"])
        prepare: Prepare = catalog.load("prepare", str(state["prepare"]))()
        fitted = prepare.restore(state["fitted"])
        if fitted.shape != shape:
            raise ValueError(f"the preprocessing makes {fitted.shape.say()}, the network takes {shape.say()}")
        own = {name.removeprefix(PREFIX): value for name, value in tensors.items() if name.startswith(PREFIX)}
        with within(own):
            refuse_misfit(model.build(shape, num_outputs), own)
        network = model.build(shape, num_outputs)
        if not isinstance(network, nn.Sequential):
            raise ValueError(f"model {said.get('kind')!r} is no chain of stages")
        network.load_state_dict(own)
        return cls(network.eval(), model, shape, num_outputs, str(state["prepare"]), fitted)


class Stages(nn.Module):
    """What the network takes, and what its stages give, to means over fields of a picture; [B, F].

    A side has about as many fields as a field has pixels along it. Then square roots, with their signs, since what stages give is
    far from even: mostly nothing, and now and then a lot.
    """

    def __init__(self, lens: Lens, detail: float) -> None:
        """Hold the stages of a network.

        Args:
            lens: The network.
            detail: Fields along a side, of the square root of its pixels.
        """
        super().__init__()
        self.name = next(iter(lens.shape.tensors))
        self.stages = nn.ModuleList(list(lens.network)[:-1])
        self.detail = detail
        with torch.no_grad():
            self.num_features = int(self(example_batch(lens.shape, 1)).shape[1])

    def forward(self, given: dict[str, Tensor]) -> Tensor:
        """Return the features."""
        held = given[self.name]
        found = [self._seen(held)]
        for stage in self.stages:
            held = stage(held)
            found.append(self._seen(held))
        joined_BF = torch.cat(found, dim=1)
        return torch.sign(joined_BF) * torch.sqrt(torch.abs(joined_BF))

    def _seen(self, held: Tensor) -> Tensor:
        """Return the features of one stage, [B, ...]."""
        return self._pooled(held).flatten(1) if held.dim() == 4 else held.flatten(1)

    def _pooled(self, maps_BCHW: Tensor) -> Tensor:
        """Return the means over fields of maps as products, which any graph may hold."""
        height, width = (self._means(size) for size in maps_BCHW.shape[2:])
        return height @ maps_BCHW @ width.T

    def _means(self, size: int) -> Tensor:
        """Return the matrix whose rows average over fields of nearly equal size, as adaptive pooling does."""
        return F.adaptive_avg_pool1d(torch.eye(size), math.ceil(self.detail * math.sqrt(size))).T


def _shifted(pictures_BCHW: Tensor, way: tuple[int, int]) -> Tensor:
    """Return pictures moved a little, with what is at their edge repeated."""
    if way == (0, 0):
        return pictures_BCHW
    down, right = (steps * max(1, size // PER_SHIFT) for steps, size in zip(way, pictures_BCHW.shape[2:], strict=True))
    padded = F.pad(pictures_BCHW, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)), mode="replicate")
    height, width = pictures_BCHW.shape[2:]
    return padded[:, :, max(-down, 0) :, max(-right, 0) :][:, :, :height, :width]
