"""Matrix products: each number of the result is a sum of products over the inner dimension.

A product of [M, K] with [K, N] takes M N K multiplications with an addition each, counted as 2 M N K.
"""

import math
from collections.abc import Callable, Mapping

from tutelage.work.call import Call, Cost, Operand

__all__ = ["OPERATORS"]


def product(left: Operand, right: Operand) -> Cost:
    """Return the cost of [..., M, K] times [..., K, N]."""
    *batch, rows, inner = left.sizes
    columns, num = right.sizes[-1], math.prod(batch)
    return Cost(products=2 * num * rows * inner * columns, sizes=(num, rows, inner, columns))


def plain(call: Call) -> Cost:
    """Count `mm(self, mat2)` and `bmm(self, mat2)`."""
    return product(call.operand("self"), call.operand("mat2"))


def added(call: Call) -> Cost:
    """Count beta * self + alpha * (mat1 @ mat2): an addition for each number, and a multiplication for each factor but 1."""
    names = ("mat1", "mat2") if "mat1" in call.values else ("batch1", "batch2")
    found = product(call.operand(names[0]), call.operand(names[1]))
    per_number = 1 + sum(call.values.get(factor, 1) not in (0, 1) for factor in ("alpha", "beta"))
    others = 0 if call.values.get("beta", 1) == 0 else per_number * call.results[0].count
    return Cost(products=found.products, others=others, sizes=found.sizes)


def by_vector(call: Call) -> Cost:
    """Count [M, K] times [K], or with `addmv` a vector added."""
    matrix = call.operand("self" if "mat" not in call.values else "mat")
    rows, inner = matrix.sizes
    return Cost(products=2 * rows * inner, others=rows if "mat" in call.values else 0, sizes=(1, rows, inner, 1))


def dot(call: Call) -> Cost:
    """Count the product of two vectors [K]."""
    (inner,) = call.operand("self").sizes
    return Cost(products=2 * inner, sizes=(1, 1, inner, 1))


def outer(call: Call) -> Cost:
    """Count self + the outer product of two vectors."""
    (rows,), (columns,) = call.operand("vec1").sizes, call.operand("vec2").sizes
    return Cost(products=2 * rows * columns, sizes=(1, rows, 1, columns))


def linear(call: Call) -> Cost:
    """Count [..., K] times the transpose of [N, K], and the bias."""
    seen, weight = call.operand("input"), call.operand("weight")
    rows, (columns, inner) = seen.count // seen.sizes[-1], weight.sizes
    biased = rows * columns if isinstance(call.values.get("bias"), Operand) else 0
    return Cost(products=2 * rows * inner * columns, others=biased, sizes=(1, rows, inner, columns))


OPERATORS: Mapping[str, Callable[[Call], Cost]] = {
    "mm": plain,
    "bmm": plain,
    "_int_mm": plain,
    "_scaled_mm": plain,
    "addmm": added,
    "addmm_": added,
    "baddbmm": added,
    "baddbmm_": added,
    "addbmm": added,
    "_addmm_activation": added,
    "mv": by_vector,
    "addmv": by_vector,
    "addmv_": by_vector,
    "dot": dot,
    "vdot": dot,
    "addr": outer,
    "linear": linear,
    "mkldnn_linear": linear,
}
