"""The values that a new network begins with, as the plan says."""

import torch
from torch import nn

from tutelage.core.seeds import derive
from tutelage.planning.plan import Plan

__all__ = ["initialize"]


def initialize(module: nn.Module, plan: Plan, *, purpose: str) -> None:
    """Initialize a network as the plan says, in place; where it says nothing, the architecture's own weights stay."""
    if plan.init is not None:
        plan.init.apply(module, torch.Generator().manual_seed(derive(plan.seed, purpose)))
