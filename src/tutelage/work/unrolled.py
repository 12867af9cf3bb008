"""Counts recurrent kernels that torch computes step by step by a few of their steps, and takes these as often as there are steps.

On a CPU torch has one kernel for a whole LSTM, and none for a GRU or a plain recurrent network: 400 tokens are some 50,000
operators there, which take a minute to be counted one by one, though every step does the same.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from tutelage.work.counter import OperatorCounter
from tutelage.work.storages import StorageTracer

__all__ = ["Unrolled"]

KERNELS: frozenset[Callable[..., Any]] = frozenset({torch._VF.gru, torch._VF.rnn_tanh, torch._VF.rnn_relu})
FEW = 8
"""Steps that stand for all but the first: what joins them to the next few is taken as that of a step less."""
WORTH = 5 * FEW
"""Steps from which on it is worth it."""


class Unrolled(TorchFunctionMode):
    """A context that shortens what such kernels read, and tells counter and tracer how often to take it."""

    def __init__(self, counter: OperatorCounter, storages: StorageTracer) -> None:
        super().__init__()
        self._counter, self._storages = counter, storages

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call a function, or such a kernel for a few steps."""
        # Packed sequences have their sizes in second place: how long each is only numbers say.
        if func not in KERNELS or kwargs or len(args) != 9 or isinstance(args[2], Tensor):
            return func(*args, **(kwargs or {}))
        of_input, state, *others, is_batch_first = args
        time = 1 if is_batch_first else 0
        num = of_input.shape[time]
        if of_input.device.type != "cpu" or num < WORTH:
            return func(*args)
        # The first steps are counted once, since no gradient goes back from the very first one.
        num_first = num % FEW + FEW
        times = (num - num_first) // FEW
        with self._counter.taken(0):
            first, few = _Apart.apply(of_input, time, num_first)  # type: ignore[no-untyped-call]
        begun, state = func(first, state, *others, is_batch_first)
        _, _, num_layers, _, _, is_two_way = others
        turns = FEW * num_layers * (2 if is_two_way else 1)
        with self._counter.taken(times), self._storages.copying(times, of=turns):
            answer, state = func(few, state, *others, is_batch_first)
            del first, few
        with self._counter.taken(0):
            answer = _Whole.apply(begun, answer, time, num)  # type: ignore[no-untyped-call]
        return answer, state


class _Apart(torch.autograd.Function):
    """The first steps of a sequence, and a few others; it has a gradient of its full length."""

    @staticmethod
    def forward(ctx: Any, whole: Tensor, time: int, num_first: int) -> tuple[Tensor, Tensor]:
        """Return both."""
        ctx.shape = whole.shape
        return whole.narrow(time, 0, num_first).clone(), whole.narrow(time, num_first, FEW).clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Return a gradient as large as the sequence."""
        return gradients[0].new_empty(ctx.shape), None, None


class _Whole(torch.autograd.Function):
    """A sequence of so many steps in place of a few."""

    @staticmethod
    def forward(ctx: Any, first: Tensor, few: Tensor, time: int, num: int) -> Tensor:
        """Return a sequence."""
        ctx.time, ctx.num_first = time, first.shape[time]
        return few.new_empty((*few.shape[:time], num, *few.shape[time + 1 :]))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Return the gradients of both."""
        (whole,) = gradients
        first = whole.narrow(ctx.time, 0, ctx.num_first).clone()
        return first, whole.narrow(ctx.time, ctx.num_first, FEW).clone(), None, None
