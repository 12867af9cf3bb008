"""Head first, then all: the phases of a training that starts from what another one has learned.

Two phases own the same new parameters: `head`, which owns nothing else, and `fit`, which owns all and takes smaller steps with
what was taken over.
"""

from collections.abc import Mapping
from dataclasses import replace

from torch import nn

from tutelage.planning.plan import Plan
from tutelage.task.base import Phase

__all__ = ["depth_factors", "opening_of", "slowed_phases", "staged_phases"]

MOST_GROUPS = 8
"""Different factors: each is a group of the optimizer, and more of them only cost time."""


def staged_phases(plan: Plan, network: nn.Module, *, prefix: str) -> dict[str, Phase]:
    """Return the phases of a task that trains one network.

    Args:
        plan: Everything decided.
        network: The network.
        prefix: What its parameters' names begin with in the task.
    """
    fit = Phase(owns=(prefix,), optim=plan.optim, schedule=plan.schedule, clip=plan.clip)
    origin = plan.origin
    if origin is None:
        return {"fit": fit}
    factors = depth_factors(network, fresh=origin.fresh, factor=origin.factor, deepest=origin.deepest)
    fit = Phase(
        owns=(prefix,),
        optim=plan.optim,
        schedule=plan.schedule,
        clip=plan.clip,
        factors={prefix + name: value for name, value in factors.items()},
    )
    if not origin.head:
        return {"fit": fit}
    fresh = tuple(prefix + name for name in origin.fresh)
    return {"head": Phase(owns=fresh, optim=plan.optim, schedule=plan.schedule, clip=plan.clip), "fit": fit}


def slowed_phases(plan: Plan, phases: Mapping[str, Phase], network: nn.Module, *, prefix: str) -> dict[str, Phase]:
    """Return the phases of a task that trains several networks at once, with smaller steps for what was taken over.

    Args:
        plan: Everything decided.
        phases: As they are where a training starts from nothing.
        network: The network that leaves the training.
        prefix: What its parameters' names begin with in the task.
    """
    origin = plan.origin
    if origin is None:
        return dict(phases)
    own = depth_factors(network, fresh=origin.fresh, factor=origin.factor, deepest=origin.deepest)
    factors = {prefix + name: value for name, value in own.items()} | dict.fromkeys(origin.beside, origin.factor)
    return {name: replace(phase, factors=factors) for name, phase in phases.items()}


def opening_of(plan: Plan) -> tuple[tuple[str, ...], float]:
    """Return the phases of the first steps, and which fraction of all steps these are."""
    return (("head",), plan.origin.head) if plan.origin is not None and plan.origin.head else ((), 0.0)


def depth_factors(network: nn.Module, *, fresh: tuple[str, ...], factor: float, deepest: float) -> dict[str, float]:
    """Return the factor on the learning rate of each parameter that was taken over, by equal ratios from the data to the head.

    Depth is the order in which the network lists its layers.

    Args:
        network: The network.
        fresh: Parameters that begin anew, whose factor is 1.
        factor: Of the last layer that was taken over.
        deepest: Of the first one.

    Example:
        >>> layers = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
        >>> {name: round(value, 2) for name, value in depth_factors(layers, fresh=("2.weight",), factor=0.4, deepest=0.1).items()}
        {'0.weight': 0.1, '1.weight': 0.4}
    """
    taken = [name for name, _ in network.named_parameters() if name not in fresh]
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in taken))
    last = min(len(layers), MOST_GROUPS) - 1
    found = {}
    for name in taken:
        stage = layers.index(name.rpartition(".")[0]) * (last + 1) // len(layers)
        height = stage / last if last else 1.0
        found[name] = deepest * (factor / deepest) ** height
    return found
