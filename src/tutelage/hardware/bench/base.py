"""What every micro-benchmark is: small pieces of work whose floating-point operations and bytes are known, to be timed.

Shape letters of this folder: B batch, M rows, K inner, N columns, C channels, H heads, T steps, D numbers of a head.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from tutelage.core.spec import Component

__all__ = ["Benchmark", "Case", "Phase", "Prepared", "base_name", "bytes_of", "called", "dtypes_of", "name_of"]

PROPERTIES = ("dispatch", "memory", "transfer", "communication", "contiguous_convolution")
"""Categories that say something of the machine, or that our trainings do without: how a step would count them does not matter."""
Phase = Literal["forward", "backward", "update"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A piece of work with its tensors in memory.

    Attributes:
        run: Does it once.
        num_bytes: Bytes of all tensors that it reads and writes, each counted once.
    """

    run: Callable[[], object]
    num_bytes: float


@dataclass(frozen=True, slots=True)
class Case:
    """A piece of work to be timed.

    Attributes:
        op: The operator as torch dispatches it, such as `mm`, without its overload; what is no single operator has a name of
            its own.
        category: Class of operators that it stands for, such as `matmul`.
        dtype: What it computes in, such as `float32`.
        sizes: Its dimensions, for people.
        flops: Floating-point operations of one call, a multiply-add counted as two; 0 where bytes alone decide.
        make: Puts the tensors in memory.
        phase: Part of a training step in which it occurs.
        dims: What the time depends on besides bytes, as its class counts: of a matrix product (batch, rows, inner, columns).
        is_learning: Whether autograd looks on; it does not where the operators are called below it.
        calls: Pieces in one `run`, such as the layers of a chain; seconds are told for each.
    """

    op: str
    category: str
    dtype: str
    sizes: str
    flops: float
    make: Callable[[], Prepared]
    phase: Phase = "forward"
    dims: tuple[int, ...] = ()
    calls: int = 1
    is_learning: bool = False

    @property
    def is_operator(self) -> bool:
        """Whether this stands for one operator of a training step, and not for a property of the machine."""
        return self.category not in PROPERTIES


class Benchmark(Component):
    """One kind of work; a file of its own."""

    family: ClassVar[str] = "benchmark"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield the pieces of work for a device; none where there is nothing to measure on it."""
        raise NotImplementedError


def called(op: str, *words: Any, **settings: Any) -> Prepared:
    """Prepare one call of an operator of torch's, such as `add.Tensor`, below autograd.

    The call is made once, so that what it returns is counted too.
    """
    packet, _, overload = op.partition(".")
    operator = getattr(getattr(torch.ops.aten, packet), overload or "default")
    made = operator(*words, **settings)
    return Prepared(lambda: operator(*words, **settings), bytes_of([*words, *settings.values(), made]))


def bytes_of(values: Sequence[Any]) -> float:
    """Return the bytes of all tensors in nested lists; of a tensor that is repeated by its strides only what is there."""
    seen: dict[int, int] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Tensor):
            seen[id(value)] = min(value.numel() * value.element_size(), value.untyped_storage().nbytes())
        elif isinstance(value, list | tuple):
            waiting += value
    return float(sum(seen.values()))


def base_name(op: str) -> str:
    """Return an operator's name without its overload: `add` of `add.Tensor`."""
    return op.partition(".")[0]


def dtypes_of(device: torch.device) -> tuple[torch.dtype, ...]:
    """Return what matrix products are computed in on a device."""
    return (torch.float32, torch.bfloat16) if device.type == "cpu" else (torch.float32, torch.bfloat16, torch.float16)


def name_of(dtype: torch.dtype) -> str:
    """Return a precision's name, such as `bfloat16`."""
    return str(dtype).removeprefix("torch.")
