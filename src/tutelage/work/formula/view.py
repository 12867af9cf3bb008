"""Operators that compute nothing: other ways of looking at memory, memory that is asked for, questions about numbers."""

from collections.abc import Callable, Mapping

from tutelage.work.call import Call, Cost

__all__ = ["OPERATORS"]


def nothing(call: Call) -> Cost:
    """Return that neither arithmetic nor memory traffic is needed."""
    return Cost(read=0, written=0)


OPERATORS: Mapping[str, Callable[[Call], Cost]] = dict.fromkeys(
    (
        "_local_scalar_dense",
        "_reshape_alias",
        "_unsafe_view",
        "as_strided_",
        "squeeze_",
        "swapaxes_",
        "t_",
        "transpose_",
        "unsqueeze_",
        "detach_",
        "requires_grad_",
        "alias",
        "detach",
        "empty",
        "empty_like",
        "empty_permuted",
        "empty_strided",
        "lift_fresh",
        "new_empty",
        "new_empty_strided",
        "resize_",
        "set_",
        "is_same_size",
        "sym_size",
    ),
    nothing,
)
"""By name; whatever returns memory of its arguments unchanged is taken for a view without being listed."""
