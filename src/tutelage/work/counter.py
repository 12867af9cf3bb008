"""Counts every operator that torch dispatches while it is entered: forward, backward, and the update of the weights.

Tensors may be real, or fake ones that hold no numbers (`tutelage.work.fake`): then nothing is computed and no memory is taken.
What is compiled is not seen inside; a step is counted as it runs without a compiler.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from tutelage.work.call import Call, Cost, Operand, call_of
from tutelage.work.formulas import formula_of
from tutelage.work.result import Counted, Part, Work, times

__all__ = ["OperatorCounter"]

UNKNOWN = "unknown"


class OperatorCounter(TorchDispatchMode):
    """A context that counts operators.

    Attributes:
        part: Where in the step what comes next belongs; gradients that autograd computes are told by torch, whatever this says.
    """

    def __init__(self, part: Part = "forward") -> None:
        super().__init__()
        self.part = part
        self._nums: dict[Counted, int] = {}

    @property
    def work(self) -> Work:
        """What has been counted so far."""
        return Work(tuple(times(op, num) for op, num in self._nums.items()))

    @property
    def now_in(self) -> Part:
        """Where in the step an operator is called now."""
        # Autograd's engine works on a graph task of its own; outside of it there is none.
        return "backward" if torch._C._current_graph_task_id() != -1 else self.part

    def forget(self) -> None:
        """Count anew from here."""
        self._nums.clear()

    @contextmanager
    def during(self, part: Part) -> Iterator[None]:
        """Count what is called inside as this part of the step."""
        before, self.part = self.part, part
        try:
            yield
        finally:
            self.part = before

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operator, and count it."""
        outcome = func(*args, **(kwargs or {}))
        if isinstance(func, OpOverload):
            op = counted(call_of(func, args, kwargs or {}, outcome=outcome), part=self.now_in)
            self._nums[op] = self._nums.get(op, 0) + 1
        return outcome


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
