"""Recurrent kernels in a graph that leaves the house: one operation each, whatever the number of steps.

Drawn step by step they would be thousands of nodes, for one number of steps only. ONNX has such operations; for torch.export they
are custom ones here, which reading the file needs.

Shape letters: B batch, T steps, D inputs, H width, G gates.
"""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["exported_kernel", "with_onnx_kernels"]

ONNX_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
"""Where each gate of ONNX stands among those of torch: input, output, forget, cell; update, reset, hidden."""
ONNX_VERSION = 14


def exported_kernel(kernel: nn.RNNBase, x_BTD: Tensor) -> Tensor:
    """Return what one of torch's recurrent kernels gives at each step, [B, T, H]; one layer, one direction, batch first."""
    found: Tensor = torch.ops.tutelage.recurrence(x_BTD, _weights(kernel), str(kernel.mode))
    return found


def with_onnx_kernels(module: nn.Module) -> nn.Module:
    """Return a copy of a module in which each recurrent kernel is an operation of ONNX: it can be drawn, and no longer run."""
    copied = deepcopy(module)
    for part in list(copied.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, nn.RNNBase):
                setattr(part, name, _OnnxKernel(child))
    return copied


class _OnnxKernel(nn.Module):
    """Takes and gives what torch's kernel does, but for the last state."""

    def __init__(self, kernel: nn.RNNBase) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, x_BTD: Tensor) -> tuple[Tensor]:
        """Return [B, T, H]."""
        return (_onnx(str(self.kernel.mode), x_BTD, _weights(self.kernel), width=self.kernel.hidden_size),)


def _weights(kernel: nn.RNNBase) -> list[Tensor]:
    return [getattr(kernel, name) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")]


def _onnx(mode: str, x_BTD: Tensor, weights: list[Tensor], *, width: int) -> Tensor:
    """Return the operation of ONNX."""
    kind = mode.partition("_")[0]
    own_DG, state_HG, bias_G, state_bias_G = (_reordered(weight, kind) for weight in weights)
    attributes: dict[str, Any] = {"hidden_size": width}
    if kind == "GRU":
        attributes["linear_before_reset"] = 1
    if kind == "RNN":
        attributes["activations"] = ["Relu" if mode.endswith("RELU") else "Tanh"]
    batch, steps = x_BTD.shape[0], x_BTD.shape[1]
    inputs = [x_BTD.transpose(0, 1), own_DG[None], state_HG[None], torch.cat([bias_G, state_bias_G])[None]]
    found_T1BH = torch.onnx.ops.symbolic(
        kind, inputs, attributes, dtype=x_BTD.dtype, shape=(steps, 1, batch, width), version=ONNX_VERSION
    )
    return found_T1BH.squeeze(1).transpose(0, 1)


def _reordered(weight: Tensor, kind: str) -> Tensor:
    """Return a weight, or bias, with its gates in the order of ONNX."""
    order = ONNX_GATES[kind]
    gates = weight.chunk(len(order))
    return torch.cat([gates[place] for place in order])


@torch.library.custom_op("tutelage::recurrence", mutates_args=())
def _recurrence(x_BTD: Tensor, weights: list[Tensor], mode: str) -> Tensor:
    """Run a kernel of torch."""
    start_1BH = x_BTD.new_zeros(1, x_BTD.shape[0], weights[1].shape[1])
    settings = (True, 1, 0.0, False, False, True)
    if mode == "LSTM":
        return torch.lstm(x_BTD, [start_1BH, start_1BH], weights, *settings)[0].clone()
    kernel = {"GRU": torch.gru, "RNN_TANH": torch.rnn_tanh, "RNN_RELU": torch.rnn_relu}[mode]
    return kernel(x_BTD, start_1BH, weights, *settings)[0].clone()


@_recurrence.register_fake
def _shape(x_BTD: Tensor, weights: list[Tensor], mode: str) -> Tensor:
    return x_BTD.new_empty(x_BTD.shape[0], x_BTD.shape[1], weights[1].shape[1])
