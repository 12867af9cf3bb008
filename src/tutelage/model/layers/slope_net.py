"""A small ReLU network on the CPU, the slope of its outputs by its input, and the gradient of a loss of both, without autograd.

A gradient penalty is a loss of slopes. Autograd differentiates it by a graph of the graph; of ReLU layers half of that is zero.
With h the layers' inputs, d the gradients of an output by what each layer gives, and t the input's direction v = dP/d(slope)
carried forward through the layers, the gradient of P by a layer's weights is d t: one product, and the loss of the outputs,
weighed by c, has d (c h), so both are one product too: d (c h + t).

Source: the identity of forward and reverse mode, B. A. Pearlmutter, "Fast Exact Multiplication by the Hessian", Neural
Computation 6, 1994, equations 3 and 4, for layers without curvature. Differs from the paper: none.
Shapes: B = rows, P = those whose slope is a loss, the first ones, N = numbers of a row, O = outputs, H = units, Q = frequencies.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tutelage.model.layers.plain_chain import plain_chain
from tutelage.model.layers.waves import Waves

__all__ = ["SlopeNet"]


class SlopeNet:
    """Linear layers with ReLU between them, after sines of learned frequencies or none.

    Attributes:
        parameters: Frequencies where there are any, then weight and bias of each layer, in order.
    """

    def __init__(self, waves: Waves | None, layers: Sequence[nn.Linear]) -> None:
        """Take over the module's parts."""
        self._waves, self._layers = waves, list(layers)
        own = [] if waves is None else [waves.frequency]
        self.parameters: list[Tensor] = [*own, *(part for layer in self._layers for part in (layer.weight, layer.bias))]
        self._kept: list[Tensor] = []
        self._slopes: list[Tensor] = []
        self._wave = _Wave() if waves is not None else None

    @classmethod
    def of(cls, module: nn.Module) -> "SlopeNet | None":
        """Return a module as such a net; None where it is anything else, or not on the CPU in float32."""
        chain = plain_chain(module, activations=(nn.ReLU,), first=Waves)
        if chain is None:
            return None
        return cls(chain.first if isinstance(chain.first, Waves) else None, chain.linear)

    @torch.no_grad()
    def forward(self, input_BN: Tensor) -> Tensor:
        """Return outputs float32 [B, O], and keep what the other methods need."""
        seen = input_BN.flatten(1).float()
        if self._waves is not None and self._wave is not None:
            seen = self._wave.forward(seen, self._waves.frequency)
        self._kept = [seen]
        for layer in self._layers[:-1]:
            seen = torch.addmm(layer.bias, seen, layer.weight.t()).relu_()
            self._kept.append(seen)
        last = self._layers[-1]
        return torch.addmm(last.bias, seen, last.weight.t())

    @torch.no_grad()
    def slope(self, by_output_BO: Tensor) -> Tensor:
        """Return the slope of one number per row by the row's input, float32 [B, N], and keep what `learn` needs.

        Args:
            by_output_BO: That number's gradient by the outputs of the latest `forward`.
        """
        self._slopes = [by_output_BO]
        for number in range(len(self._layers) - 1, 0, -1):
            before = torch.mm(self._slopes[0], self._layers[number].weight)
            torch.ops.aten.threshold_backward.grad_input(before, self._kept[number], 0, grad_input=before)
            self._slopes.insert(0, before)
        slope = torch.mm(self._slopes[0], self._layers[0].weight)
        if self._waves is None or self._wave is None:
            return slope
        return self._wave.slope(slope, self._waves.frequency)

    @torch.no_grad()
    def learn(self, by_score_B1: Tensor, by_slope_PN: Tensor | None, into: Sequence[Tensor]) -> None:
        """Write the gradients of all parameters.

        Args:
            by_score_B1: Gradient of the loss by each row's number, whose slope was asked for last.
            by_slope_PN: Gradient of the loss by the slopes of the first P rows; None where these are no part of it.
            into: Where to write, in the order of `parameters`.
        """
        moved = by_slope_PN
        if self._wave is not None and self._waves is not None:
            moved = self._wave.learn(by_score_B1, by_slope_PN, self._waves.frequency, into[0])
        first = 1 if self._waves is not None else 0
        for number, (layer, slope) in enumerate(zip(self._layers, self._slopes, strict=True)):
            seen = self._kept[number] * by_score_B1
            if moved is not None:
                seen[: len(moved)] += moved
            turned = slope.t()
            torch.mm(turned, seen, out=into[first + 2 * number])
            torch.mv(turned, by_score_B1[:, 0], out=into[first + 2 * number + 1])
            if moved is not None and number < len(self._layers) - 1:
                moved = torch.mm(moved, layer.weight.t())
                torch.ops.aten.threshold_backward.grad_input(moved, self._kept[number + 1][: len(moved)], 0, grad_input=moved)


class _Wave:
    """Sines of learned mixtures, the numbers beside them: [x, sin a, cos a] with a = 2 pi x W."""

    def __init__(self) -> None:
        self._input = self._sine = self._cosine = self._by_angle = self._by_wave = torch.empty(0)

    def forward(self, input_BN: Tensor, frequency_NQ: Tensor) -> Tensor:
        """Return float32 [B, N + 2 Q]."""
        angle_BQ = torch.mm(input_BN, frequency_NQ).mul_(2 * math.pi)
        self._input, self._sine, self._cosine = input_BN, angle_BQ.sin(), angle_BQ.cos()
        return torch.cat([input_BN, self._sine, self._cosine], dim=1)

    def slope(self, by_wave_BF: Tensor, frequency_NQ: Tensor) -> Tensor:
        """Return the slope by the numbers, float32 [B, N], of that by what `forward` gave."""
        sizes = [self._input.shape[1], self._sine.shape[1], self._cosine.shape[1]]
        by_number_BN, by_sine_BQ, by_cosine_BQ = torch.split(by_wave_BF, sizes, dim=1)
        self._by_wave = by_wave_BF
        self._by_angle = torch.addcmul(by_sine_BQ * self._cosine, by_cosine_BQ, self._sine, value=-1)
        return torch.addmm(by_number_BN, self._by_angle, frequency_NQ.t(), alpha=2 * math.pi)

    def learn(self, by_score_B1: Tensor, by_slope_PN: Tensor | None, frequency_NQ: Tensor, into_NQ: Tensor) -> Tensor | None:
        """Write the gradient by the frequencies, and return the direction carried forward, float32 [P, N + 2 Q]."""
        by_angle_BQ = self._by_angle * by_score_B1
        if by_slope_PN is None:
            torch.mm(self._input.t(), by_angle_BQ, out=into_NQ).mul_(2 * math.pi)
            return None
        rows, size = len(by_slope_PN), self._input.shape[1]
        moved_PQ = torch.mm(by_slope_PN, frequency_NQ).mul_(2 * math.pi)
        sine_PQ, cosine_PQ = self._sine[:rows] * moved_PQ, self._cosine[:rows] * moved_PQ
        _, by_sine_PQ, by_cosine_PQ = torch.split(self._by_wave[:rows], [size, moved_PQ.shape[1], moved_PQ.shape[1]], dim=1)
        # The angle bends the sines: what the slope's gradient by the angle is.
        by_angle_BQ[:rows] -= by_sine_PQ * sine_PQ + by_cosine_PQ * cosine_PQ
        torch.mm(self._input.t(), by_angle_BQ, out=into_NQ)
        into_NQ.addmm_(by_slope_PN.t(), self._by_angle[:rows]).mul_(2 * math.pi)
        return torch.cat([by_slope_PN, cosine_PQ, -sine_PQ], dim=1)
