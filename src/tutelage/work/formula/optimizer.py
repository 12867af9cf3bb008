"""The update: one kernel over all weights, gradients and moments (`_fused_*`), or one operation on all of them (`_foreach_*`).

Operations a weight: SGD 2 (scale, subtract), momentum 2 more and 1 for damping, Nesterov 2, decay 2. Adam 14: both moments 3 + 4,
root, bias correction and eps 3, quotient, rate, difference 4; decay 2. Adagrad 6; decay 2.
Bytes: weights and moments are read and written, gradients read.
Source: Kingma and Ba, "Adam", 2014, arXiv 1412.6980, algorithm 1.
"""

from collections.abc import Callable, Mapping

import torch

from tutelage.work.call import Call, Cost, Operand
from tutelage.work.formula.elementwise import operations

__all__ = ["OPERATORS"]

ADAM, ADAGRAD, SGD, DECAY, NESTEROV, AMSGRAD, MOMENTUM = 14, 6, 2, 2, 2, 1, 2
TWO_FOR_EACH = ("_foreach_norm",)
"""A square and an addition."""


def fused(call: Call) -> Cost:
    """Count one kernel for all weights: it reads all that it is given, and writes all but the gradients."""
    weights = sum(each.count for each in call.operands("self"))
    written = [each for name, given in call.values.items() if name != "grads" and isinstance(given, tuple) for each in given]
    held = [each for each in written if isinstance(each, Operand)]
    return Cost(others=_each(call) * weights, written=sum(each.num_bytes for each in held))


def foreach(call: Call) -> Cost:
    """Count one operation on each number of a list of tensors."""
    first = next(iter(call.values.values()))
    count = sum(each.count for each in first if isinstance(each, Operand)) if isinstance(first, tuple) else call.count
    each = 2 if call.name in TWO_FOR_EACH else operations(call, name=call.name.removeprefix("_foreach_"))
    return Cost(others=0 if call.name in STILL else each * count)


def looked_for(call: Call) -> Cost:
    """Count looking for numbers that are not finite: each is multiplied, compared, and written back."""
    return Cost(others=2 * sum(each.count for each in call.operands("self")))


def _each(call: Call) -> int:
    """Return the operations of one weight."""
    decay = DECAY * (call.number("weight_decay") != 0)
    if call.name == "_fused_sgd_":
        momentum = call.number("momentum") != 0
        damped = momentum and call.number("dampening") != 0
        return SGD + decay + momentum * (MOMENTUM + damped + NESTEROV * bool(call.values.get("nesterov")))
    if call.name == "_fused_adagrad_":
        return ADAGRAD + decay
    return ADAM + decay + AMSGRAD * bool(call.values.get("amsgrad"))


STILL = frozenset({"_foreach_copy_", "_foreach_copy", "_foreach_zero_", "_foreach_zero"})
"""They move numbers and compute none."""
FOREACH = [name for name in dir(torch) if name.startswith("_foreach_")]
OPERATORS: Mapping[str, Callable[[Call], Cost]] = (
    dict.fromkeys(FOREACH, foreach)
    | dict.fromkeys(("_fused_sgd_", "_fused_adam_", "_fused_adamw_", "_fused_adagrad_"), fused)
    | {"_amp_foreach_non_finite_check_and_unscale_": looked_for}
)
