"""A module whose input part takes several tensors and whose layers after it take one."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from tutelage.model.layers.members import MemberInput
from tutelage.model.named import repeated

__all__ = ["Joined"]


class Joined(nn.Module):
    """An input module that takes several tensors, then layers that take one.

    Attributes:
        num_members: Networks with shared weights, each of which gives an answer: outputs are [B, M, O] where M > 1.
    """

    def __init__(self, inputs: nn.Module, *layers: nn.Module, num_members: int = 1) -> None:
        super().__init__()
        self.num_members = num_members
        self.inputs = inputs
        self.layers = nn.ModuleList(layers)

    def named_places(self, entries: Mapping[str, tuple[str, ...]]) -> dict[str, dict[int, tuple[str, ...]]]:
        """Name what the inputs of the first layer, and of what spreads them over members, stand for: as in `model/named.py`."""
        inputs: Any = self.inputs
        names: tuple[str, ...] = inputs.names(entries) if hasattr(inputs, "names") else ()
        found: dict[str, dict[int, tuple[str, ...]]] = {}
        if not names:
            return found
        for place, layer in enumerate(self.layers):
            if isinstance(layer, MemberInput):
                found[f"layers.{place}.scale"] = {0: repeated(names, len(layer.scale) // len(names))}
                continue
            inner = "0.weight" if isinstance(layer, nn.Sequential) else "weight"
            return {**found, f"layers.{place}.{inner}": {1: names}}
        return found

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return [B, O], or [B, M, O] with members."""
        x: Tensor = self.inputs(*inputs)
        for layer in self.layers:
            x = layer(x)
        return x
