"""Parameter groups: weight decay for matrices and kernels only; smaller steps for what was learned before."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch.optim import Optimizer

from tutelage.optim.base import NamedParameter

__all__ = ["decay_groups", "scale_rates"]


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


def scale_rates(optimizer: Optimizer, parameters: Sequence[NamedParameter], factors: Mapping[str, float]) -> None:
    """Cut an optimizer's groups into those of equal factors on the learning rate, before its first step.

    Source: J. Howard and S. Ruder, "Universal Language Model Fine-tuning for Text Classification", ACL 2018, arXiv 1801.06146,
    section 3.2 (discriminative fine-tuning). Differs from the paper: the factors are given, not 1 / 2.6 a layer.

    Args:
        optimizer: Built over these parameters.
        parameters: Names and parameters.
        factors: By the beginning of a name; of several that fit the longest counts, where none fits the factor is 1.
    """
    if not factors:
        return
    chosen = {id(parameter): _longest(name, factors) for name, parameter in parameters}
    groups: list[dict[str, Any]] = []
    for group in optimizer.param_groups:
        for factor in sorted({chosen[id(parameter)] for parameter in group["params"]}):
            members = [parameter for parameter in group["params"] if chosen[id(parameter)] == factor]
            rates: dict[str, Any] = {key: group[key] * factor for key in ("lr", "initial_lr") if key in group}
            groups.append({**group, **rates, "params": members})
    optimizer.param_groups[:] = groups


def _longest(name: str, factors: Mapping[str, float]) -> float:
    """Return the factor of the longest beginning that fits a name."""
    fitting = [beginning for beginning in factors if name.startswith(beginning)]
    return factors[max(fitting, key=len)] if fitting else 1.0
