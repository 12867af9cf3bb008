"""Makes torch's optimizers without loading torch's compiler, which takes more than a second."""

import sys
from typing import Any

import torch

__all__ = ["spare_compiler"]

MARK = "__dynamo_disable"
"""Where torch (2.11 to 2.13) keeps what its compiler makes of a function that it must not look into."""
METHODS = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")


def spare_compiler() -> None:
    """Let no optimizer load the compiler only to keep it away from itself: optimizers are never compiled here.

    The steps of torch's optimizers load it all the same; that of `QuickAdam` does not.
    """
    if "torch._dynamo" in sys.modules:
        return
    for name in METHODS:
        function: Any = getattr(getattr(torch.optim.Optimizer, name, None), "__wrapped__", None)
        if function is not None and not hasattr(function, MARK):
            setattr(function, MARK, function)
