"""Convolutions: each number of the result is a sum of products over a window and the channels of its group.

Counted as 2 x results x channels of a group x window; what lies in the padding is counted as if it were there. A transposed
convolution is the gradient of one by its input, and so counts each number that goes in. The gradient by the input and the
gradient by the filters take as much as the forward pass each.
Where each channel is a group of its own (depthwise) the class is another: so little arithmetic for a number that memory decides.
"""

import math
from collections.abc import Callable, Mapping

from tutelage.work.call import Call, Cost, Operand

__all__ = ["OPERATORS"]

DEPTHWISE = "depthwise_convolution"


def forward(call: Call) -> Cost:
    """Count a convolution and its bias."""
    found = _one(call.operand("input"), call.operand("weight"), call.results[0], call=call)
    bias = call.values.get("bias")
    others = call.results[0].count if isinstance(bias, Operand) else 0
    return Cost(products=found.products, others=others, sizes=found.sizes, kind=found.kind)


def backward(call: Call) -> Cost:
    """Count the gradients that are asked for: by input, by filters, by bias."""
    by_input, by_weight, by_bias = call.values["output_mask"]
    grad = call.operand("grad_output")
    found = _one(call.operand("input"), call.operand("weight"), grad, call=call)
    num = int(bool(by_input)) + int(bool(by_weight))
    # The gradient that flows in is read anew for each of them.
    read = sum(each.num_bytes for each in call.read) + max(num - 1, 0) * grad.num_bytes
    others = grad.count if by_bias else 0
    return Cost(products=num * found.products, others=others, read=read, sizes=found.sizes, kind=found.kind)


def _one(seen: Operand, weight: Operand, result: Operand, *, call: Call) -> Cost:
    """Return the products of one pass; sizes are samples, positions, channels of a group in and out, window, groups."""
    groups, is_transposed = int(call.values.get("groups", 1)), bool(call.values.get("transposed", False))
    batch, channels_in = seen.sizes[0], seen.sizes[1]
    channels_out = weight.sizes[1] * groups if is_transposed else weight.sizes[0]
    positions = math.prod((seen if is_transposed else result).sizes[2:])
    window = math.prod(weight.sizes[2:])
    products = 2 * batch * positions * (channels_in // groups) * channels_out * window
    is_depthwise = groups > 1 and channels_in == groups
    sizes = (batch, positions, channels_in // groups, channels_out // groups, window, groups)
    return Cost(products=products, sizes=sizes, kind=DEPTHWISE if is_depthwise else "")


OPERATORS: Mapping[str, Callable[[Call], Cost]] = {
    "convolution": forward,
    "_convolution": forward,
    "convolution_overrideable": forward,
    "cudnn_convolution": forward,
    "mkldnn_convolution": forward,
    "_conv_depthwise2d": forward,
    "_slow_conv2d_forward": forward,
    "convolution_backward": backward,
    "convolution_backward_overrideable": backward,
}
