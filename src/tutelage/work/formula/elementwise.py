"""Operators that work on each number by itself, such as sums of two tensors and activations; memory decides how long they take.

One operation for each addition, multiplication, comparison, choice or function (exponential, root, ...) that the formula of a
number takes. What is not listed and is marked as pointwise by torch counts as one.
"""

from collections.abc import Callable, Mapping

from tutelage.work.call import Call, Cost

__all__ = ["OPERATORS", "operations"]

EACH = {
    "addcdiv": 3,
    "addcmul": 3,
    "elu": 4,
    "elu_backward": 5,
    "gelu": 5,
    "gelu_backward": 10,
    "glu": 5,
    "glu_backward": 8,
    "hardsigmoid": 4,
    "hardswish": 5,
    "huber_loss": 6,
    "huber_loss_backward": 5,
    "leaky_relu": 2,
    "leaky_relu_backward": 2,
    "lerp": 3,
    "log_sigmoid_forward": 5,
    "log_sigmoid_backward": 6,
    "logit": 3,
    "mish": 5,
    "mish_backward": 10,
    "mse_loss": 2,
    "mse_loss_backward": 3,
    "binary_cross_entropy": 6,
    "binary_cross_entropy_backward": 5,
    "binary_cross_entropy_with_logits": 8,
    "native_dropout": 3,
    "native_dropout_backward": 2,
    "nll_loss_backward": 1,
    "nll_loss2d_backward": 1,
    "sigmoid": 3,
    "sigmoid_backward": 3,
    "silu": 4,
    "silu_backward": 7,
    "smooth_l1_loss": 6,
    "smooth_l1_loss_backward": 5,
    "softplus": 4,
    "softplus_backward": 5,
    "tanh_backward": 3,
    "threshold_backward": 1,
    "where": 1,
    "masked_fill": 1,
    "_euclidean_dist": 3,
}
"""More than one, by the plain formula: sigmoid 1 / (1 + exp(-x)) takes 3, gelu x (1 + erf(x c)) / 2 takes 5."""
ALPHA = ("add", "sub", "rsub")
"""The second operand may have a factor."""


def operations(call: Call, *, name: str) -> int:
    """Return how many operations a number takes in an operator of this name, without the mark for in place."""
    plain = name.removesuffix("_")
    if plain in ALPHA:
        return 1 + int(call.values.get("alpha", 1) != 1)
    if plain == "addcmul" or plain == "addcdiv":
        return EACH[plain] - int(call.values.get("value", 1) == 1)
    return EACH.get(plain, 1)


def each_number(call: Call) -> Cost:
    """Count the operations of all numbers; losses that are summed at once have a result of one."""
    count = max((operand.count for operand in (*call.results, *call.read)), default=0)
    return Cost(others=operations(call, name=call.name) * count)


OPERATORS: Mapping[str, Callable[[Call], Cost]] = {
    name: each_number for plain in (*EACH, *ALPHA, "polar", "complex") for name in (plain, f"{plain}_")
}
