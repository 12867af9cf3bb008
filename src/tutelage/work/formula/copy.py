"""Memory that is filled or moved without arithmetic: copies, casts, zeros, concatenations, random numbers."""

from collections.abc import Callable, Mapping

from tutelage.work.call import Call, Cost

__all__ = ["OPERATORS"]


def moved(call: Call) -> Cost:
    """Count reading and writing alone."""
    return Cost()


def filled(call: Call) -> Cost:
    """Count writing alone: what is like another tensor does not read it."""
    return Cost(read=0)


def drawn(call: Call) -> Cost:
    """Count one operation for each random number."""
    return Cost(others=call.count, read=0)


def sliced_backward(call: Call) -> Cost:
    """Count zeros, with a part of them written over: the gradient of a view that shows a part."""
    part = sum(each.num_bytes for each in call.read)
    return Cost(written=sum(each.num_bytes for each in call.results) + part)


MOVED = (
    "_to_copy",
    "cat",
    "clone",
    "constant_pad_nd",
    "contiguous",
    "copy",
    "copy_",
    "flip",
    "im2col",
    "col2im",
    "pin_memory",
    "_pin_memory",
    "reflection_pad1d",
    "reflection_pad2d",
    "replication_pad1d",
    "replication_pad2d",
    "repeat",
    "repeat_interleave",
    "roll",
    "stack",
    "tril",
    "triu",
    "masked_select",
    "upsample_nearest2d",
    "pixel_shuffle",
    "pixel_unshuffle",
    "split_with_sizes_copy",
    "view_copy",
    "channel_shuffle",
)
FILLED = (
    "arange",
    "eye",
    "fill",
    "fill_",
    "full",
    "full_like",
    "linspace",
    "new_full",
    "new_ones",
    "new_zeros",
    "ones",
    "ones_like",
    "scalar_tensor",
    "zero",
    "zero_",
    "zeros",
    "zeros_like",
    "one_hot",
)
DRAWN = (
    "bernoulli",
    "bernoulli_",
    "exponential_",
    "multinomial",
    "normal",
    "normal_",
    "normal_functional",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "random_",
    "randperm",
    "uniform",
    "uniform_",
)
ADDED = ("reflection_pad1d_backward", "reflection_pad2d_backward", "replication_pad2d_backward", "upsample_nearest2d_backward")
PARTS = ("slice_backward", "select_backward", "diagonal_backward", "slice_scatter", "select_scatter", "as_strided_scatter")
OPERATORS: Mapping[str, Callable[[Call], Cost]] = (
    dict.fromkeys(MOVED, moved)
    | dict.fromkeys(FILLED, filled)
    | dict.fromkeys(DRAWN, drawn)
    | dict.fromkeys(PARTS, sliced_backward)
    | dict.fromkeys(ADDED, lambda call: Cost(others=max(each.count for each in call.read)))
)
