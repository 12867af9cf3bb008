"""A small fully connected network on the CPU, forward and backward without autograd.

With a few dozen to a few hundred units, what autograd spends on each layer costs more than the layer's products, and a tanh of
torch's costs more than both (torch 2.13, 256 x 64 numbers: 42 microseconds, NumPy 6). The weights are those of the module; the
memory of the hidden layers is used again and again, and networks that are asked one after another can share it: then it stays
in the processor's caches.

Source: Rumelhart et al., "Learning representations by back-propagating errors", Nature 323, 1986, equations 4 to 7.
Differs from the paper: none. Shapes: B = rows, I = inputs, H = units of a layer, O = outputs.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.model.layers.bfloat16_products import Bfloat16Products
from tutelage.model.layers.joined import Joined
from tutelage.model.layers.plain_chain import plain_chain

__all__ = ["Room", "SmallNet"]

ACTIVATIONS = (nn.Tanh, nn.ReLU)
FEW_PRODUCTS, FEW_NUMBERS = 2**18, 2**16
"""So few multiplications of a layer, and sums of so few numbers, are NumPy's, which begins sooner. From there on its library asks
a second thread, which beside other work takes longer than the first alone."""
NARROW = 16
"""Products with fewer columns are NumPy's too, which take a third of the time (256 x 64 x 2: 6.5 and 2.0 microseconds), or, where
there are many multiplications, are made the other way round: MKL's take up to seven times as long (256 x 256 x 4: 80 and 12)."""


class Room:
    """Memory for hidden layers, float32 [B, H] each; what lies in it holds until it is asked for again."""

    def __init__(self) -> None:
        """Take none yet."""
        self._held: dict[tuple[int, ...], list[Tensor]] = {}
        self._given: dict[tuple[int, ...], tuple[int, list[Tensor]]] = {}

    def take(self, rows: int, sizes: tuple[int, ...]) -> list[Tensor]:
        """Return memory for so many rows of each size."""
        before, given = self._given.get(sizes, (-1, []))
        if before != rows:
            held = self._held.get(sizes, [])
            if not held or held[0].shape[0] < rows:
                held = self._held[sizes] = [torch.empty(rows, size) for size in sizes]
            given = [part[:rows] for part in held]
            self._given[sizes] = rows, given
        return given


class SmallNet:
    """Linear layers with tanh or ReLU between them.

    Attributes:
        parameters: Weight and bias of each layer, in order.
    """

    def __init__(
        self,
        layers: Sequence[nn.Linear],
        activations: Sequence[nn.Module],
        *,
        slopes: Room,
        bfloat16: Bfloat16Products | None = None,
    ) -> None:
        """Take over the layers; each activation follows the layer of the same number, and none the last."""
        self._layers, self._bfloat16 = list(layers), bfloat16
        self._are_tanh = [isinstance(activation, nn.Tanh) for activation in activations]
        self.parameters: list[Tensor] = [part for layer in self._layers for part in (layer.weight, layer.bias)]
        self._places: list[int] = []
        self._views: list[tuple[Tensor, Tensor, Tensor]] = []
        self._own, self._slopes, self._ones = Room(), slopes, torch.ones(0)
        self._sizes = tuple(layer.out_features for layer in self._layers[:-1])
        self._arrays: list[tuple[np.ndarray, np.ndarray]] = []
        self._are_narrow = [min(layer.in_features, layer.out_features) < NARROW for layer in self._layers]
        self._largest = max(layer.in_features * layer.out_features for layer in self._layers)

    @classmethod
    def of(cls, module: nn.Module, *, slopes: Room | None = None, bfloat16: Bfloat16Products | None = None) -> "SmallNet | None":
        """Return a module as a small net; None where it is anything else, or not on the CPU in float32.

        Args:
            module: What is looked at.
            slopes: Memory that `backward` needs while it runs, shared with any; its own where none is given.
            bfloat16: Makes the products of many rows by wide layers; they stay in float32 where none is given.
        """
        chain = plain_chain(module, activations=ACTIVATIONS) if isinstance(module, Joined) else None
        return None if chain is None else cls(chain.linear, chain.activations, slopes=slopes or Room(), bfloat16=bfloat16)

    def forward(self, input_BI: Tensor, room: Room | None = None) -> tuple[Tensor, list[Tensor]]:
        """Return outputs float32 [B, O], and what `backward` needs: it holds until the next call with the same room.

        Args:
            input_BI: Inputs.
            room: Memory for the hidden layers; the net's own where none is given.
        """
        views, hidden = self._weights(), (room or self._own).take(input_BI.shape[0], self._sizes)
        seen = input_BI.flatten(1).float()
        kept = [seen]
        for number, is_tanh in enumerate(self._are_tanh):
            _, turned, bias = views[number]
            if self._is_half(number, seen.shape[0]):
                assert self._bfloat16 is not None
                seen = self._bfloat16.into(hidden[number], seen, turned).add_(bias)
            else:
                seen = torch.addmm(bias, seen, turned, out=hidden[number])
            if is_tanh:
                values = seen.numpy()
                np.tanh(values, out=values)
            else:
                torch.relu_(seen)
            kept.append(seen)
        if self._is_numpys(-1, seen.shape[0]):
            turned_IO, bias_O = self._arrays[-1]
            outputs = seen.numpy() @ turned_IO
            outputs += bias_O
            return torch.from_numpy(outputs), kept
        _, turned, bias = views[-1]
        return torch.addmm(bias, seen, turned), kept

    def __call__(self, input_BI: Tensor) -> Tensor:
        """Return outputs float32 [B, O]."""
        if type(input_BI) is not Tensor:
            # One without numbers (torch's fake tensors), by which a step is counted and not made.
            return self._by_torch(input_BI.flatten(1).float())
        with np.errstate(all="ignore"):
            return torch.from_numpy(self.answer(input_BI.flatten(1).float().numpy()))

    def _by_torch(self, seen: Tensor) -> Tensor:
        """Return the same by torch's own operators."""
        for number, layer in enumerate(self._layers):
            seen = layer(seen)
            if number < len(self._layers) - 1:
                seen = torch.tanh(seen) if self._are_tanh[number] else torch.relu(seen)
        return seen

    def answer(self, seen: np.ndarray) -> np.ndarray:
        """Return outputs float32 [B, O] for inputs of that type; who calls it lets NumPy be silent."""
        if len(seen) * self._largest > FEW_PRODUCTS:
            return self.forward(torch.from_numpy(seen))[0].numpy()
        self._weights()
        seen = seen.reshape(len(seen), -1)
        last = len(self._arrays) - 1
        for number, (turned, bias) in enumerate(self._arrays):
            seen = seen @ turned
            seen += bias
            if number < last:
                np.tanh(seen, out=seen) if self._are_tanh[number] else np.maximum(seen, 0, out=seen)
        return seen

    def backward(
        self,
        gradient_BO: Tensor,
        kept: Sequence[Tensor],
        *,
        into: Sequence[Tensor] = (),
        inputs: slice | None = None,
        rows_B: Tensor | None = None,
    ) -> Tensor | None:
        """Write the gradients of weights and biases.

        Args:
            gradient_BO: Gradient of the loss by the outputs.
            kept: What `forward` returned.
            into: Where to write, in the order of `parameters`; empty where none of them learns.
            inputs: Numbers of the input by which the gradient is asked for; None for none.
            rows_B: Rows of `forward` that `gradient_BO` is for, int64 [B]; None for all. Nothing learns from a part of them.

        Returns:
            The gradient by the inputs, float32 [B, numbers asked for].
        """
        assert rows_B is None or not into
        rows = gradient_BO.shape[0]
        slopes, ones = self._slopes.take(rows, self._sizes), self._ones_for(rows) if into else self._ones
        if rows_B is not None:
            room = self._slopes.take(rows, self._sizes * 2)[len(self._sizes) :]
            kept = [kept[0], *(torch.index_select(all_of, 0, rows_B, out=to) for all_of, to in zip(kept[1:], room, strict=True))]
        for number in range(len(self._layers) - 1, -1, -1):
            half = self._bfloat16 if self._is_half(number, rows) else None
            if into and half:
                half.into(into[2 * number], gradient_BO.t(), kept[number])
                torch.mv(gradient_BO.t(), ones, out=into[2 * number + 1])
            elif into:
                is_numpys, of_layer = self._is_numpys(number, rows), into[2 * number : 2 * number + 2]
                _by_weights(gradient_BO, kept[number], ones, into=of_layer, is_numpys=is_numpys)
            if not number:
                break
            weight, before = self._views[number][0], slopes[number - 1]
            before = half.into(before, gradient_BO, weight) if half else torch.mm(gradient_BO, weight, out=before)
            if self._are_tanh[number - 1]:
                torch.ops.aten.tanh_backward.grad_input(before, kept[number], grad_input=before)
            else:
                torch.ops.aten.threshold_backward.grad_input(before, kept[number], 0, grad_input=before)
            gradient_BO = before
        if inputs is None:
            return None
        asked = self._views[0][0][:, inputs]
        if asked.shape[1] < NARROW:
            return torch.mm(asked.t().contiguous(), gradient_BO.t()).t()
        return torch.mm(gradient_BO, asked)

    def _is_half(self, number: int, rows: int) -> bool:
        """Tell whether a layer's products are made in bfloat16 for so many rows."""
        if self._bfloat16 is None or self._are_narrow[number]:
            return False
        layer = self._layers[number]
        return self._bfloat16.pay(rows, layer.in_features, layer.out_features)

    def _is_numpys(self, number: int, rows: int) -> bool:
        """Tell whether a layer's products are NumPy's for so many rows."""
        layer = self._layers[number]
        return self._are_narrow[number] and rows * layer.in_features * layer.out_features <= FEW_PRODUCTS

    def _weights(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Return each layer's weight, its transpose and its bias, outside of autograd; made anew where they have moved."""
        places = [part.data_ptr() for part in self.parameters]
        if places != self._places:
            found = [(layer.weight.detach(), layer.bias.detach()) for layer in self._layers]
            self._views = [(weight, weight.t(), bias) for weight, bias in found]
            self._arrays = [(weight.numpy().T, bias.numpy()) for weight, bias in found]
            self._places = places
        return self._views

    def _ones_for(self, rows: int) -> Tensor:
        """Return ones [B], which add up rows."""
        if self._ones.shape[0] != rows:
            self._ones = torch.ones(rows)
        return self._ones


def _by_weights(given_BO: Tensor, seen_BI: Tensor, ones_B: Tensor, *, into: Sequence[Tensor], is_numpys: bool) -> None:
    """Write the gradients of a layer's weight and bias, for that by what the layer gives and what it has seen."""
    weight_OI, bias_O = into
    if is_numpys:
        np.matmul(given_BO.numpy().T, seen_BI.numpy(), out=weight_OI.numpy())
    elif seen_BI.shape[1] < NARROW:
        weight_OI.copy_(torch.mm(seen_BI.t(), given_BO).t())
    else:
        torch.mm(given_BO.t(), seen_BI, out=weight_OI)
    if given_BO.numel() <= FEW_NUMBERS:
        np.matmul(ones_B.numpy(), given_BO.numpy(), out=bias_O.numpy())
    else:
        torch.mv(given_BO.t(), ones_B, out=bias_O)
