"""Reductions: many numbers become few, such as sums, means and maxima; one operation for each number that is read."""

from collections.abc import Callable, Mapping
from functools import partial

from tutelage.work.call import Call, Cost

__all__ = ["OPERATORS"]


def of_input(call: Call, *, each: int = 1) -> Cost:
    """Count so many operations for each number of the largest operand."""
    return Cost(others=each * max((operand.count for operand in call.read), default=0))


ONCE = (
    "sum",
    "mean",
    "amax",
    "amin",
    "max",
    "min",
    "aminmax",
    "argmax",
    "argmin",
    "all",
    "any",
    "prod",
    "cumsum",
    "cumprod",
    "cummax",
    "logcumsumexp",
    "trace",
    "nansum",
    "count_nonzero",
    "nll_loss_forward",
    "nll_loss2d_forward",
    "max_pool2d_with_indices",
    "max_pool2d_with_indices_backward",
    "max_pool3d_with_indices",
    "max_pool3d_with_indices_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "avg_pool3d",
    "avg_pool3d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "_adaptive_avg_pool2d",
    "_adaptive_avg_pool2d_backward",
    "mkldnn_max_pool2d",
)
TWICE = ("linalg_vector_norm", "norm", "logsumexp", "_cdist_forward")
SPREAD = ("var", "var_mean", "std", "std_mean")
SORTED = ("sort", "topk", "median", "kthvalue", "searchsorted", "unique_dim", "_unique2", "nonzero", "bucketize")
"""Comparisons depend on the numbers; counted as one pass."""
OPERATORS: Mapping[str, Callable[[Call], Cost]] = (
    dict.fromkeys((*ONCE, *SORTED), of_input)
    | dict.fromkeys(TWICE, partial(of_input, each=2))
    | dict.fromkeys(SPREAD, partial(of_input, each=4))
)
