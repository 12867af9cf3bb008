"""Normalization: numbers are brought to mean 0 and spread 1, or to a sum of 1 (softmax); several passes over the same memory.

Operations a number, forward: the mean 1, the spread 3 (subtract, square, add), the result 2 (subtract, multiply), scale and
shift 2 where they are learned. Backward: the normalized number anew 2, sums and the gradient by the input 9, by scale and shift
3 more. Softmax: maximum, subtract, exponential, sum, divide; backward multiply, sum, subtract, multiply.
"""

from collections.abc import Callable, Mapping
from functools import partial

from tutelage.work.call import Call, Cost, Operand

__all__ = ["OPERATORS"]

STATISTICS, RESULT, AFFINE = 4, 2, 2
AGAIN, BACKWARD, AFFINE_BACKWARD = 2, 9, 3
ROOT_MEAN_SQUARE, ROOT_MEAN_SQUARE_BACKWARD = 3, 9
"""Square, add, multiply; backwards the same with one sum instead of two."""


def normalize(call: Call) -> Cost:
    """Count the forward pass; batch norm that is not training uses statistics that are there."""
    seen = call.operand("input")
    is_known = not call.values.get("training", call.values.get("train", True)) and "running_mean" in call.values
    each = (0 if is_known else STATISTICS) + RESULT + AFFINE * isinstance(call.values.get("weight"), Operand)
    return Cost(others=each * seen.count, sizes=seen.sizes)


def normalize_backward(call: Call) -> Cost:
    """Count the backward pass."""
    seen = call.operand("input")
    has_scale = isinstance(call.values.get("weight"), Operand)
    each = AGAIN + BACKWARD + AFFINE_BACKWARD * has_scale
    # A gradient that is not asked for is not written, whatever sizes alone say.
    asked, rest = (
        call.values.get("output_mask", (True,)),
        sum(result.num_bytes for result in call.results[-2:]) if has_scale else 0,
    )
    written = seen.num_bytes * bool(asked[0]) + rest
    return Cost(others=each * seen.count, written=written, sizes=seen.sizes)


def of_input(call: Call, *, each: int) -> Cost:
    """Count so many operations for each number of the largest operand."""
    count = max(operand.count for operand in call.read)
    return Cost(others=each * count)


OPERATORS: Mapping[str, Callable[[Call], Cost]] = (
    dict.fromkeys(
        (
            "native_layer_norm",
            "native_batch_norm",
            "_native_batch_norm_legit",
            "_native_batch_norm_legit_functional",
            "_batch_norm_with_update",
            "native_group_norm",
            "cudnn_batch_norm",
        ),
        normalize,
    )
    | dict.fromkeys(
        (
            "native_layer_norm_backward",
            "native_batch_norm_backward",
            "batch_norm_backward",
            "native_group_norm_backward",
            "cudnn_batch_norm_backward",
        ),
        normalize_backward,
    )
    | {
        "_fused_rms_norm": partial(of_input, each=ROOT_MEAN_SQUARE),
        "_fused_rms_norm_backward": partial(of_input, each=ROOT_MEAN_SQUARE_BACKWARD),
        "_softmax": partial(of_input, each=5),
        "_log_softmax": partial(of_input, each=5),
        "_softmax_backward_data": partial(of_input, each=4),
        "_log_softmax_backward_data": partial(of_input, each=4),
    }
)
