"""Counts every operator that torch dispatches while it is entered: forward, backward, and the update of the weights.

Tensors may be real, or fake ones that hold no numbers (`tutelage.work.fake`): then nothing is computed and no memory is taken.
What is compiled is not seen inside; a step is counted as it runs without a compiler.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from tutelage.work.call import Call, Cost, Operand, call_of
from tutelage.work.formulas import formula_of
from tutelage.work.result import Counted, Part, Work, times

__all__ = ["OperatorCounter", "TooLongError"]

UNKNOWN = "unknown"
IDLE = ("prim", "profiler")
"""Libraries whose operators compute nothing: fake tensors ask for their device, optimizers tell a profiler their names."""


class TooLongError(Exception):
    """Counting takes longer than it may."""


class OperatorCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A context that counts operators.

    Attributes:
        part: Where in the step what comes next belongs; gradients that autograd computes are told by torch, whatever this says.
        ends: Moment of `time.monotonic` after which the next operator raises `TooLongError`.
    """

    def __init__(self, part: Part = "forward") -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.part = part
        self.ends = math.inf
        self._is_counting = True
        self._nums: dict[Counted, int] = {}
        self._times = 1
        self._spans: list[tuple[int, int, int]] = []

    @property
    def work(self) -> Work:
        """What has been counted so far."""
        return Work(tuple(times(op, num) for op, num in self._nums.items()))

    @property
    def now_in(self) -> Part:
        """Where in the step an operator is called now."""
        # Autograd's engine works on a graph task of its own; outside of it there is none.
        return "backward" if torch._C._current_graph_task_id() != -1 else self.part

    def take(self) -> Work:
        """Return what has been counted so far, and begin anew."""
        work, self._nums = self.work, {}
        return work

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Count nothing of what is called inside."""
        before, self._is_counting = self._is_counting, False
        try:
            yield
        finally:
            self._is_counting = before

    @contextmanager
    def during(self, part: Part) -> Iterator[None]:
        """Count what is called inside as this part of the step."""
        before, self.part = self.part, part
        try:
            yield
        finally:
            self.part = before

    @contextmanager
    def taken(self, times: int) -> Iterator[None]:
        """Take each operator inside as so many, and those that autograd calls for it later too; the innermost number counts."""
        before, self._times, began = self._times, times, _next_node()
        try:
            yield
        finally:
            self._times = before
            self._spans.append((began, _next_node(), times))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Say that torch need not load its compiler to keep it away from here: nothing is compiled while this is entered."""
        return False

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operator, and count it."""
        if time.monotonic() > self.ends and _makes_tensors(func):
            raise TooLongError
        outcome = func(*args, **(kwargs or {}))
        if self._is_counting and isinstance(func, OpOverload) and func.namespace not in IDLE:
            op = counted(call_of(func, args, kwargs or {}, outcome=outcome), part=self.now_in)
            self._nums[op] = self._nums.get(op, 0) + self._times_now()
        return outcome

    def _times_now(self) -> int:
        """Return as how many operators one is taken now: autograd's by what it was called for."""
        node = torch._C._current_autograd_node() if self._spans else None
        if node is None:
            return self._times
        number = node._sequence_nr()
        # The inner ones are told first.
        return next((times for first, end, times in self._spans if first <= number < end), self._times)


@cache
def _makes_tensors(func: Callable[..., Any]) -> bool:
    """Tell whether an operator computes tensors: only there may an error be raised.

    C++ asks fake tensors for their device and the like by operators too, at places that let no error pass: the process would end.
    """
    if not isinstance(func, OpOverload) or func.namespace in IDLE:
        return False
    return any("Tensor" in str(returned.type) for returned in func._schema.returns)


def _next_node() -> int:
    """Return the number that autograd gives to the next node of its graph."""
    return torch.autograd._get_sequence_nr()  # type: ignore[attr-defined]


def counted(call: Call, *, part: Part) -> Counted:
    """Return what one call does."""
    formula = formula_of(call)
    cost = Cost() if formula is None else formula.cost(call)
    return Counted(
        part=part,
        kind=UNKNOWN if formula is None else cost.kind or formula.kind,
        dtype=call.dtype,
        op=call.name,
        sizes=cost.sizes,
        products=cost.products,
        others=cost.others,
        skipped=cost.skipped,
        read=_bytes(call.read) if cost.read is None else cost.read,
        written=_bytes(call.written) if cost.written is None else cost.written,
        is_covered=formula is not None,
    )


def _bytes(operands: tuple[Operand, ...]) -> int:
    """Return the bytes behind operands."""
    return sum(each.num_bytes for each in operands)
