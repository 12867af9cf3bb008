"""Fused recurrent kernels: all steps of an LSTM, a GRU or a plain recurrent layer in one call, products and gates together.

Products of a step: 2 G H (I + H) a row, for G gates of width H and I inputs; 4 gates in an LSTM, 3 in a GRU, else 1. The backward
pass takes twice as much: the gradients by what was read and by the weights.
Source of the gates' equations: the documentation of torch.nn.LSTM, GRU and RNN.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tutelage.work.call import Call, Cost

__all__ = ["OPERATORS"]


class _Gates(NamedTuple):
    """A kind of recurrent layer, and its operations per number that it remembers, beside products.

    Attributes:
        num: Matrices that are multiplied.
        forward: Sums of products and biases, functions, and what makes the new state of them.
        backward: The same backwards: slopes of the functions, and what they are multiplied with.
    """

    num: int
    forward: int
    backward: int


RNN, LSTM, GRU = _Gates(1, 4, 5), _Gates(4, 21, 29), _Gates(3, 16, 25)
"""LSTM: 4 gates of 3 additions, 5 functions, c = f c + i g, h = o tanh(c); GRU: 9, 3, and r (...), h = n + z (h - n)."""
FLOAT = 4
"""Bytes of a number in the kernels' own memory."""
MODES = (RNN, RNN, LSTM, GRU)
"""By the number that oneDNN and cuDNN are told: rectifier, tanh, LSTM, GRU."""


def layer(call: Call) -> Cost:
    """Count one layer in one direction, `mkldnn_rnn_layer` of oneDNN."""
    found, gates = _layer(call), MODES[int(call.number("mode"))]
    # The last result is what is kept, whose size is not known where nothing is computed.
    written = sum(each.num_bytes for each in call.results[:-1]) + kept_bytes(call)
    return Cost(products=found.products, others=gates.forward * found.others, written=written, sizes=found.sizes)


def layer_backward(call: Call) -> Cost:
    """Count its backward pass."""
    found, gates = _layer(call), MODES[int(call.number("mode"))]
    kept = kept_bytes(call) - call.operand("workspace").num_bytes
    read = sum(each.num_bytes for each in call.read) + kept
    return Cost(products=2 * found.products, others=gates.backward * found.others, read=read, sizes=found.sizes)


def stack(call: Call) -> Cost:
    """Count several layers in one or both directions, `_cudnn_rnn` of cuDNN."""
    found, gates = _stack(call), MODES[int(call.number("mode"))]
    return Cost(products=found.products, others=gates.forward * found.others, sizes=found.sizes)


def stack_backward(call: Call) -> Cost:
    """Count their backward pass, by inputs and by weights."""
    found, gates = _stack(call), MODES[int(call.number("mode"))]
    by_input, _, _, by_weights = call.values["output_mask"]
    parts = int(bool(by_input)) + int(bool(by_weights))
    return Cost(products=parts * found.products, others=gates.backward * found.others, sizes=found.sizes)


def cell(gates: _Gates, *, is_backward: bool = False) -> Callable[[Call], Cost]:
    """Return what counts the gates of one step, whose products are operators of their own."""

    def count(call: Call) -> Cost:
        width = next(each for each in call.read if each.sizes).count // gates.num
        return Cost(others=(gates.backward if is_backward else gates.forward) * width)

    return count


def _layer(call: Call) -> Cost:
    """Return the products of one layer, and how many numbers are remembered over all steps."""
    names = ("weight0", "weight1") if "weight0" in call.values else ("weight1", "weight2")
    inputs, between = call.operand(names[0]), call.operand(names[1])
    steps, width = call.operand("input").count // inputs.sizes[1], int(call.number("hidden_size"))
    sizes = (steps, inputs.sizes[1], width)
    return Cost(products=2 * steps * (inputs.count + between.count), others=steps * width, sizes=sizes)


def _stack(call: Call) -> Cost:
    """Return the products of all layers; matrices are the weights with two dimensions."""
    weights = call.operands("weight")
    width = int(call.number("hidden_size"))
    directions = 2 if call.values.get("bidirectional") else 1
    layers = int(call.number("num_layers"))
    seen = call.operand("input")
    steps = seen.count // seen.sizes[-1]
    matrices = sum(each.count for each in weights if len(each.sizes) == 2)
    sizes = (steps, seen.sizes[-1], width)
    return Cost(products=2 * steps * matrices, others=steps * width * layers * directions, sizes=sizes)


def kept_bytes(call: Call) -> int:
    """Return what oneDNN keeps of a layer for its backward pass, which sizes alone do not tell: gates, and the cell's states.

    Memory that is touched; measured of torch 2.13 with 4 sizes, within 3 %. More is asked for, and first touched backwards.
    """
    if not call.values.get("train"):
        return 0
    seen, width = call.operand("input"), int(call.number("hidden_size"))
    num_steps = seen.count // seen.sizes[-1]
    return round(FLOAT * num_steps * width * (MODES[int(call.number("mode"))].num + 1.2))


def scratch_bytes(call: Call) -> int:
    """Return what it takes while the backward pass runs: gradients of gates and states; measured as above, within 10 %."""
    seen, width = call.operand("input"), int(call.number("hidden_size"))
    num_steps, inputs = seen.count // seen.sizes[-1], seen.sizes[-1]
    return round(FLOAT * num_steps * (width * (MODES[int(call.number("mode"))].num + 4.8) + 3.5 * inputs))


KEPT: Mapping[str, Callable[[Call], int]] = {"mkldnn_rnn_layer": kept_bytes}
"""Operators whose last result is memory of a size that is not known without running them."""
SCRATCH: Mapping[str, Callable[[Call], int]] = {"mkldnn_rnn_layer_backward": scratch_bytes}
"""Operators that take memory while they run."""
OPERATORS: Mapping[str, Callable[[Call], Cost]] = {
    "mkldnn_rnn_layer": layer,
    "mkldnn_rnn_layer_backward": layer_backward,
    "_cudnn_rnn": stack,
    "_cudnn_rnn_backward": stack_backward,
    "_thnn_fused_lstm_cell": cell(LSTM),
    "_thnn_fused_lstm_cell_backward_impl": cell(LSTM, is_backward=True),
    "_thnn_fused_gru_cell": cell(GRU),
    "_thnn_fused_gru_cell_backward": cell(GRU, is_backward=True),
}
