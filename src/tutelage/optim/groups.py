"""Parameter groups: weight decay for matrices and kernels only, never for biases and normalization."""

from collections.abc import Sequence
from typing import Any

from tutelage.optim.base import NamedParameter

__all__ = ["decay_groups"]


def decay_groups(parameters: Sequence[NamedParameter], *, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
    """Split parameters into decayed (two or more dimensions) and not decayed; order is kept, empty groups are left out.

    Pulling biases and normalization scales to 0 costs accuracy and prevents no overfitting: "Bag of Tricks for Image
    Classification with Convolutional Neural Networks", He et al. 2018, arXiv 1812.01187, section 3.1.

    Args:
        parameters: Names and parameters.
        learning_rate: Also stored as `initial_lr`, which the schedule's factor multiplies.
        weight_decay: Of the decayed group.

    Returns:
        Groups as torch optimizers take them.
    """
    split = [
        ([parameter for _, parameter in parameters if parameter.ndim >= 2], weight_decay),
        ([parameter for _, parameter in parameters if parameter.ndim < 2], 0.0),
    ]
    return [
        {"params": members, "lr": learning_rate, "initial_lr": learning_rate, "weight_decay": decay}
        for members, decay in split
        if members
    ]
