"""Blocks of convolution, pooling, normalization and activation, shared by the image architectures.

Pooling comes before normalization and activation, so that these passes over memory touch a quarter of the pixels:
on a CPU they, and not the convolutions, take most of a training step.
"""

from typing import Literal

import torch
from torch import Tensor, nn

__all__ = ["ACTIVATIONS", "Activation", "ConvNorm", "GlobalPool", "Residual", "count_halvings", "make_norm"]

Activation = Literal["gelu", "relu", "silu"]

ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU, "silu": nn.SiLU}

SMALLEST_SIDE = 4
"""Images are not halved below half of this side, in pixels: 3x3 filters would then see mostly padding."""


class ConvNorm(nn.Sequential):
    """3x3 convolution, optional 2x2 max-pool, batch norm, activation: [B, I, H, W] -> [B, O, H, W] or half the sides."""

    def __init__(self, inputs: int, outputs: int, *, activation: Activation, is_pooled: bool = False) -> None:
        pool: list[nn.Module] = [nn.MaxPool2d(2)] if is_pooled else []
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        super().__init__(convolution, *pool, make_norm(outputs), ACTIVATIONS[activation]())


class Residual(nn.Module):
    """act(x + branch(x)) with a branch of 3x3 convolutions whose last norm starts at 0, so that it begins as act(x).

    Source: P. Goyal et al., "Accurate, Large Minibatch SGD", 2017, arXiv 1706.02677, section 5.1 (zero-init gamma).
    """

    def __init__(self, width: int, *, depth: int, activation: Activation) -> None:
        super().__init__()
        inner = [ConvNorm(width, width, activation=activation) for _ in range(depth - 1)]
        last = nn.BatchNorm2d(width)
        nn.init.zeros_(last.weight)
        self.branch = nn.Sequential(*inner, nn.Conv2d(width, width, 3, padding=1, bias=False), last)
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        output: Tensor = self.activation(x_BCHW + self.branch(x_BCHW))
        return output


class GlobalPool(nn.Module):
    """One number per channel over the whole picture: [B, C, H, W] -> [B, C]."""

    def __init__(self, how: Literal["max", "mean"]) -> None:
        super().__init__()
        self.how = how

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the largest or the mean value of each channel."""
        return torch.amax(x_BCHW, dim=(2, 3)) if self.how == "max" else x_BCHW.mean(dim=(2, 3))


def make_norm(width: int) -> nn.BatchNorm2d:
    """Return torch's own batch norm (a compiler's is 12 to 17 times slower on a CPU)."""
    return nn.BatchNorm2d(width)


def count_halvings(height: int, width: int, *, most: int) -> int:
    """Return how often a picture can be halved without its shorter side falling below 2 pixels, at most `most` times."""
    side, halvings = min(height, width), 0
    while halvings < most and side >= SMALLEST_SIDE:
        side //= 2
        halvings += 1
    return halvings
