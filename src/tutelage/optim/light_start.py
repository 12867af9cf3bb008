"""Makes torch's optimizers without loading torch's compiler, which takes more than a second."""

import importlib
import sys
from collections.abc import Iterator
from typing import Any

import torch

__all__ = ["spare_compiler"]

MARK = "__dynamo_disable"
"""Where torch (2.11 to 2.13) keeps what its compiler makes of a function that it must not look into."""
METHODS = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
STEPS = ("adagrad", "adam", "adamax", "nadam", "radam", "rmsprop", "sgd")


def spare_compiler() -> None:
    """Let no optimizer load the compiler only to keep it away from itself: where it is not loaded, it is away.

    A training that compiles has loaded it before, and is left alone.
    """
    if "torch._dynamo" in sys.modules:
        return
    for function in _kept_away():
        if not hasattr(function, MARK):
            setattr(function, MARK, function)


def _kept_away() -> Iterator[Any]:
    """Find the functions in question, as far as this version of torch has them."""
    named: list[tuple[Any, str]] = [(torch.optim.Optimizer, name) for name in METHODS]
    named += [(importlib.import_module(f"torch.optim.{name}"), name) for name in STEPS]
    for place, name in named:
        function: Any = getattr(getattr(place, name, None), "__wrapped__", None)
        if function is not None:
            yield function
