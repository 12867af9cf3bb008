"""Tensors without numbers: sizes, types and devices are carried along, nothing is computed, and no memory is taken.

What asks for a number all the same (`item`, `if tensor:`) gets a stand-in: yes, 1, or 0 where it asks for what a search for
numbers that are not finite has found.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeCopyMode, FakeTensor, FakeTensorMode
from torch.optim import optimizer as of_optimizers
from torch.utils import _foreach_utils as of_all
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

__all__ = ["fake_copy", "fake_like", "faking"]

M = TypeVar("M", bound=nn.Module)


@contextmanager
def faking() -> Iterator[FakeTensorMode]:
    """Make every tensor that is made inside a fake one; real ones that are met are taken for fake ones of their sizes."""
    with torch.random.fork_rng(devices=[]), _one_for_all(), FakeTensorMode(allow_non_fake_inputs=True) as mode, StandIns():
        yield mode


@contextmanager
def _one_for_all() -> Iterator[None]:
    """Let clipping and optimizers treat fake tensors as they treat real ones: all of them in one operator, not one by one."""
    lists: tuple[list[Any], ...] = (of_optimizers._foreach_supported_types, of_all._foreach_supported_types)
    for types in lists:
        types.append(FakeTensor)
    try:
        yield
    finally:
        for types in lists:
            types.remove(FakeTensor)


def fake_copy(module: M, mode: FakeTensorMode) -> M:
    """Return a copy of a module whose weights and buffers are fake; the module itself is left alone."""
    with FakeCopyMode(mode):
        return copy.deepcopy(module)


def fake_like(batch: Mapping[str, Tensor], *, device: torch.device) -> dict[str, Tensor]:
    """Return fake tensors of the same sizes, strides and types on a device; called while `faking`."""
    return {
        name: torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)
        for name, tensor in batch.items()
    }


class StandIns(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Answers what depends on numbers that are not there."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._searched: Any = WeakIdKeyDictionary()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Say that torch need not load its compiler to keep it away from here: nothing is compiled while this is entered."""
        return False

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operator, unless its result is a number, or as many as there are of some kind."""
        aten = torch.ops.aten
        if func is aten._local_scalar_dense.default:
            return self._number(args[0])
        if func is aten._amp_foreach_non_finite_check_and_unscale_.default:
            self._searched[args[1]] = True
        if func is aten.nonzero.default:
            # As if every number were one that counts: the most there can be.
            return args[0].new_empty((args[0].numel(), args[0].dim()), dtype=torch.int64)
        if func is aten.masked_select.default:
            return args[0].new_empty(args[0].numel())
        return func(*args, **(kwargs or {}))

    def _number(self, tensor: Tensor) -> bool | int | float:
        """Return what stands for the number in a tensor."""
        known = getattr(tensor, "constant", None)
        if known is not None:
            found: bool | int | float = known.item()
            return found
        if tensor.dtype == torch.bool:
            return True
        is_found = tensor in self._searched
        return (0.0 if is_found else 1.0) if tensor.dtype.is_floating_point else 1
