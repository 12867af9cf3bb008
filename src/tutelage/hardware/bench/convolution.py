"""Convolutions as networks for images and series have them: ordinary, depthwise and transposed, forward and backward."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from tutelage.hardware.bench.base import Benchmark, Case, Phase, Prepared, called, dtypes_of, name_of

__all__ = ["Convolution"]

MOST_FLOPS = {"cpu": 1.2e9, "cuda": 5e11}
"""Of one call."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """A convolution over squares (or lines, with one dimension).

    Attributes:
        inputs: Channels that come in; 0 gradients for them where the layer is a network's first.
        outputs: Channels that go out.
        kernel: Width of the kernel.
        size: Width of the input.
        stride: Step of the kernel.
        groups: Groups of channels; as many as channels for a depthwise layer.
        dimensions: 2 for images, 1 for series.
        is_transposed: Whether it makes images larger.
    """

    inputs: int
    outputs: int
    kernel: int
    size: int
    stride: int = 1
    groups: int = 1
    dimensions: int = 2
    is_transposed: bool = False

    @property
    def padding(self) -> int:
        """Zeros around, so that the size stays."""
        return self.kernel // 2 if not self.is_transposed else (self.kernel - self.stride) // 2

    @property
    def made_size(self) -> int:
        """Width of the output."""
        if self.is_transposed:
            return (self.size - 1) * self.stride - 2 * self.padding + self.kernel
        return (self.size + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def category(self) -> str:
        """Its class of operators, where channels come last in memory, as ours do."""
        return "depthwise_convolution" if self.groups == self.inputs > 1 else "convolution"

    def flops(self, batch: int) -> float:
        """Return the operations of a forward pass."""
        places = self.size if self.is_transposed else self.made_size
        around: int = (self.kernel * places) ** self.dimensions
        return 2.0 * batch * (self.inputs // self.groups) * self.outputs * around

    def dims(self, batch: int) -> tuple[int, ...]:
        """Return samples, positions, channels of a group in and out, window, groups."""
        positions = (self.size if self.is_transposed else self.made_size) ** self.dimensions
        window = self.kernel**self.dimensions
        return batch, positions, self.inputs // self.groups, self.outputs // self.groups, window, self.groups

    def tensors(self, batch: int, place: "_Place") -> tuple[Tensor, Tensor, Tensor]:
        """Return inputs, weights and gradients of the outputs."""
        around = [self.kernel] * self.dimensions
        inner, outer = self.inputs // self.groups, self.outputs
        weight = torch.randn(*((self.inputs, outer) if self.is_transposed else (outer, inner)), *around, device=place.device)
        x = torch.randn(batch, self.inputs, *[self.size] * self.dimensions, device=place.device)
        slope = torch.randn(batch, self.outputs, *[self.made_size] * self.dimensions, device=place.device)
        layout = torch.channels_last if place.is_channels_last else torch.contiguous_format
        moved = [each.to(place.dtype).contiguous(memory_format=layout) for each in (x, weight, slope)]
        return moved[0], moved[1], moved[2]

    def setting(self) -> list[object]:
        """Return the words that follow inputs and weights."""
        same = [1] * self.dimensions
        around = [self.stride] * self.dimensions, [self.padding] * self.dimensions, same
        return [*around, self.is_transposed, [0] * self.dimensions, self.groups]

    def __str__(self) -> str:
        words = f"{self.inputs} -> {self.outputs}, {self.kernel} wide on {self.size}"
        return words + (f", stride {self.stride}" if self.stride > 1 else "")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where and how numbers lie."""

    device: torch.device
    dtype: torch.dtype
    is_channels_last: bool = False


IMAGES = (
    _Layer(1, 32, 3, 28),
    _Layer(3, 32, 3, 32),
    _Layer(16, 16, 3, 32),
    _Layer(16, 48, 3, 28),
    _Layer(48, 96, 3, 14),
    _Layer(96, 96, 3, 7),
    _Layer(64, 64, 3, 8),
    _Layer(64, 128, 3, 16, stride=2),
    _Layer(128, 128, 3, 4),
    _Layer(256, 256, 3, 4),
    _Layer(96, 128, 3, 2),
    _Layer(64, 64, 1, 16),
    _Layer(128, 256, 1, 8),
)
DEPTHWISE = (_Layer(32, 32, 3, 16, groups=32), _Layer(128, 128, 3, 8, groups=128))
UPWARDS = (_Layer(128, 64, 4, 4, stride=2, is_transposed=True), _Layer(64, 32, 4, 8, stride=2, is_transposed=True))
LINES = (
    _Layer(16, 16, 9, 128, dimensions=1),
    _Layer(16, 16, 39, 128, dimensions=1),
    _Layer(64, 16, 1, 128, dimensions=1),
    _Layer(64, 64, 3, 64, dimensions=1),
)
BATCHES = (16, 128)


class Convolution(Benchmark):
    """Kernels that slide over images and series."""

    kind: Literal["convolution"] = "convolution"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield layers in each precision; images also with their channels last in memory."""
        for dtype in dtypes_of(device):
            for batch in BATCHES:
                for layer in IMAGES[::3]:
                    yield from _both_ways(layer, batch, _Place(device, dtype))
                for layer in (*IMAGES, *DEPTHWISE, *UPWARDS):
                    yield from _both_ways(layer, batch, _Place(device, dtype, is_channels_last=True))
                for layer in LINES:
                    yield from _both_ways(layer, batch, _Place(device, dtype))


def _both_ways(layer: _Layer, batch: int, place: _Place) -> Iterator[Case]:
    """Yield the forward and the backward pass of a layer."""
    is_first = layer.inputs <= 3
    flops = layer.flops(batch)
    if flops > MOST_FLOPS[place.device.type]:
        return

    def forward() -> Prepared:
        x, weight, _ = layer.tensors(batch, place)
        return called("convolution", x, weight, None, *layer.setting())

    def backward() -> Prepared:
        x, weight, slope = layer.tensors(batch, place)
        return called("convolution_backward", slope, x, weight, None, *layer.setting(), [not is_first, True, False])

    ways: tuple[tuple[str, Phase, float], ...] = (
        ("convolution", "forward", flops),
        ("convolution_backward", "backward", flops * (1 if is_first else 2)),
    )
    layout = ", channels last" if place.is_channels_last else ""
    is_usual = place.is_channels_last or layer.dimensions == 1
    category = layer.category if is_usual else f"contiguous_{layer.category}"
    for (op, phase, work), make in zip(ways, (forward, backward), strict=True):
        yield Case(
            op,
            category,
            name_of(place.dtype),
            f"{batch} x {layer}{layout}",
            work,
            make,
            phase=phase,
            dims=layer.dims(batch),
        )
