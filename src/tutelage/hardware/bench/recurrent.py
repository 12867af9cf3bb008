"""Recurrent layers by the kernels that read a whole sequence: LSTM and GRU, forward and backward."""

from collections.abc import Callable, Iterator
from typing import Literal

import torch
from torch import nn

from tutelage.hardware.bench.base import Benchmark, Case, Prepared, bytes_of, name_of

__all__ = ["Recurrent"]

SIZES = ((16, 64, 32, 64), (64, 64, 128, 128), (128, 28, 28, 64))
"""B, T, inputs of a step, units."""
LAYERS: dict[str, tuple[Callable[..., nn.RNNBase], int]] = {"lstm": (nn.LSTM, 4), "gru": (nn.GRU, 3)}
"""Each layer and how many matrices it has between two steps."""


class Recurrent(Benchmark):
    """One step after another, each waiting for the one before."""

    kind: Literal["recurrent"] = "recurrent"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield layers of several sizes."""
        for name in LAYERS:
            if name == "gru" and device.type == "cpu":
                # torch has no kernel for it there: it is counted as the operators that it consists of.
                continue
            for dtype in (torch.float32, torch.bfloat16):
                for sizes in SIZES:
                    yield from _both_ways(name, sizes, (device, dtype))


def _both_ways(name: str, sizes: tuple[int, int, int, int], place: tuple[torch.device, torch.dtype]) -> Iterator[Case]:
    """Yield the forward and the backward pass of a layer."""
    batch, steps, inputs, units = sizes
    (device, dtype), (layer_type, gates) = place, LAYERS[name]

    def build() -> tuple[nn.RNNBase, torch.Tensor]:
        layer = layer_type(inputs, units, batch_first=True).to(device, dtype)
        return layer, torch.randn(batch, steps, inputs, device=device, dtype=dtype, requires_grad=True)

    def forward() -> Prepared:
        layer, x = build()
        return Prepared(lambda: layer(x), bytes_of([x, layer(x)[0], *layer.parameters()]))

    def backward() -> Prepared:
        layer, x = build()
        made, learned = layer(x)[0], [x, *layer.parameters()]
        slope = torch.ones_like(made)
        return Prepared(lambda: torch.autograd.grad(made, learned, slope, retain_graph=True), 2 * bytes_of([made, *learned]))

    flops = 2.0 * batch * steps * gates * units * (inputs + units)
    shown = f"{batch} x {steps} steps x {inputs} -> {units}"
    yield Case(name, "recurrent", name_of(dtype), shown, flops, forward, is_learning=True)
    yield Case(f"{name}_backward", "recurrent", name_of(dtype), shown, 2 * flops, backward, phase="backward", is_learning=True)
