"""Convolutions over time with kernels of several lengths side by side: InceptionTime, for measured series.

When to use it: series whose form at some place tells the class. A batch may hold series of unequal length: what is behind the
end of a row is left out of every layer.

Source: H. Ismail Fawaz et al., "InceptionTime: Finding AlexNet for Time Series Classification", 2020, arXiv 1909.04939.
Differs from the paper: one network in place of five; odd kernels; the largest value beside the mean at the end; a series
that is longer than `length` is first cut into patches, each a vector.

Shape letters: B batch, C channels, H = 1, T times, O outputs.
"""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Series, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.masked import MaskedBatchNorm, mean_and_max, strided_mask, windowed_max
from tutelage.model.layers.roles import mark

__all__ = ["Inception"]

RESIDUAL_EVERY = 3


class Inception(Model):
    """Sizes of the network."""

    kind: Literal["inception"] = "inception"
    views: ClassVar[tuple[type[View], ...]] = (Series,)
    widths_of: ClassVar[tuple[str, ...]] = ("width",)
    depths_of: ClassVar[tuple[str, ...]] = ("depth",)
    width: int = Field(32, ge=1, le=2**12, description="Channels of each branch; a layer has one more branch than kernels.")
    depth: int = Field(6, ge=1, le=100, description="Layers; every third ends with a sum with what went in.")
    kernels: tuple[Annotated[int, Field(ge=1, le=2**12)], ...] = Field(
        (39, 19, 9), min_length=1, max_length=16, description="Lengths of the kernels, odd."
    )
    length: int = Field(
        512, ge=1, le=2**20, description="Times that are looked at one by one; longer series are cut into patches."
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Probability that a feature is left out before the last layer.")

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network: series [B, T, C] and mask [B, T] -> [B, num_outputs]."""
        self.require(shape)
        series = shape.view(Series)
        assert series is not None
        net = TimeNet(self, channels=series.channels, patch=-(-series.length // self.length), num_outputs=num_outputs)
        return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


class TimeNet(nn.Module):
    """Patches where they are needed, layers with residual sums, mean and largest value, a linear layer."""

    def __init__(self, spec: Inception, *, channels: int, patch: int, num_outputs: int) -> None:
        super().__init__()
        self.patch = patch
        self.stem = mark(nn.Conv2d(channels, spec.width, (1, patch), stride=(1, patch)), "input") if patch > 1 else None
        inputs = channels if self.stem is None else spec.width
        outputs = spec.width * (len(spec.kernels) + 1)
        self.layers, self.shortcuts = nn.ModuleList(), nn.ModuleDict()
        kept = inputs
        for number in range(spec.depth):
            layer = Branches(inputs, spec)
            self.layers.append(layer if number or self.stem is not None else mark(layer, "input"))
            inputs = outputs
            if number % RESIDUAL_EVERY == RESIDUAL_EVERY - 1:
                self.shortcuts[str(number)] = Shortcut(kept, outputs)
                kept = outputs
        self.dropout = nn.Dropout(spec.dropout)
        self.head = mark(nn.Linear(2 * outputs, num_outputs), "output")

    def forward(self, series_BTC: Tensor, mask_BT: Tensor) -> Tensor:
        """Return [B, O]."""
        mask_B1HT = mask_BT[:, None, None]
        x_BCHT = series_BTC.transpose(1, 2)[:, :, None] * mask_B1HT.to(series_BTC.dtype)
        if self.stem is not None:
            x_BCHT = F.pad(x_BCHT, (0, -x_BCHT.shape[3] % self.patch))
            mask_B1HT = strided_mask(mask_B1HT, self.patch)
            x_BCHT = self.stem(x_BCHT) * mask_B1HT.to(x_BCHT.dtype)
        kept_BCHT = x_BCHT
        for number, layer in enumerate(self.layers):
            x_BCHT = layer(x_BCHT, mask_B1HT)
            if str(number) in self.shortcuts:
                x_BCHT = F.relu(x_BCHT + self.shortcuts[str(number)](kept_BCHT, mask_B1HT))
                kept_BCHT = x_BCHT
        outputs_BO: Tensor = self.head(self.dropout(mean_and_max(x_BCHT, mask_B1HT)))
        return outputs_BO


class Branches(nn.Module):
    """A narrow layer, convolutions of several lengths over it, and a pooled branch: [B, I, 1, T] -> [B, O, 1, T]."""

    def __init__(self, inputs: int, spec: Inception) -> None:
        super().__init__()
        width = spec.width
        self.narrow = nn.Conv2d(inputs, width, 1, bias=False) if inputs > 1 else None
        own = width if inputs > 1 else inputs
        self.branches = nn.ModuleList(
            nn.Conv2d(own, width, (1, kernel | 1), padding=(0, kernel // 2), bias=False) for kernel in spec.kernels
        )
        self.pooled = nn.Conv2d(inputs, width, 1, bias=False)
        self.norm = MaskedBatchNorm(width * (len(spec.kernels) + 1))

    def forward(self, x_BCHT: Tensor, mask_B1HT: Tensor) -> Tensor:
        """Return the branches one after another, 0 behind the end of a row."""
        narrow_BCHT = x_BCHT if self.narrow is None else self.narrow(x_BCHT)
        found = [branch(narrow_BCHT) for branch in self.branches]
        found.append(self.pooled(windowed_max(x_BCHT, mask_B1HT, window=3)))
        return F.relu(self.norm(torch.cat(found, dim=1), mask_B1HT))


class Shortcut(nn.Module):
    """What is added to the output of some layers: their input, on their number of channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.change = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = MaskedBatchNorm(outputs)

    def forward(self, x_BCHT: Tensor, mask_B1HT: Tensor) -> Tensor:
        """Return a tensor with the outputs' channels."""
        changed_BCHT: Tensor = self.norm(self.change(x_BCHT), mask_B1HT)
        return changed_BCHT
