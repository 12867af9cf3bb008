"""Follows every piece of memory that tensors take, from its birth to its death, while a step runs or is only pretended to run."""

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from tutelage.work.call import call_of, name_of, tensors_of
from tutelage.work.counter import IDLE
from tutelage.work.formulas import kept_of, scratch_of
from tutelage.work.result import Part

__all__ = ["Block", "StorageTracer"]


@dataclass(slots=True)
class Block:
    """A piece of memory.

    Attributes:
        num_bytes: Its size.
        born: Number of the operator call that made it; 0 for what was there before.
        died: Number of the last call that it saw; None while it lives.
        label: What it holds, such as `gradients`; "" where that follows from when it lives.
        copies: As how many such pieces it is taken.
    """

    num_bytes: int
    born: int
    died: int | None = None
    label: str = ""
    copies: int = 1


class StorageTracer(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A context that writes down births and deaths.

    Attributes:
        blocks: All memory that was seen, in the order of birth.
        parts: For each call from number 1 on, where in the step it was.
    """

    def __init__(self, part: Callable[[], Part]) -> None:
        """Begin.

        Args:
            part: Returns where in the step an operator is called now.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.blocks: list[Block] = []
        self.parts: list[Part] = []
        self._part = part
        self._living: dict[int, Block] = {}

    @property
    def now(self) -> int:
        """Calls so far."""
        return len(self.parts)

    def hold(self, tensors: Iterable[Tensor], label: str) -> None:
        """Say what the memory of some tensors holds, whether it was seen before or not."""
        for tensor in tensors:
            self._seen(tensor).label = label

    @contextmanager
    def copying(self, times: int, *, of: int) -> Iterator[None]:
        """Take what is made inside as so many pieces, where it outlives two of the `of` equal turns that are made inside."""
        first, began = len(self.blocks), self.now
        try:
            yield
        finally:
            short = 2 * (self.now - began) / of
            for block in self.blocks[first:]:
                if block.died is None or block.died - block.born > short:
                    block.copies = times

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Say that torch need not load its compiler to keep it away from here: nothing is compiled while this is entered."""
        return False

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operator, and note the memory of what it made."""
        if getattr(func, "namespace", "") in IDLE:
            return func(*args, **(kwargs or {}))
        self.parts.append(self._part())
        outcome = func(*args, **(kwargs or {}))
        made = [self._seen(tensor) for tensor in tensors_of(outcome)]
        if isinstance(func, OpOverload):
            kept, scratch = kept_of(name_of(func)), scratch_of(name_of(func))
            if kept is not None:
                made[-1].num_bytes = kept(call_of(func, args, kwargs or {}, outcome=outcome))
            if scratch is not None:
                size = scratch(call_of(func, args, kwargs or {}, outcome=outcome))
                self.blocks.append(Block(size, self.now, self.now, "temporaries"))
        return outcome

    def _seen(self, tensor: Tensor) -> Block:
        """Return the block that a tensor lies in; a new one where it was not seen before."""
        storage = tensor.untyped_storage()
        number = int(storage._cdata)
        found = self._living.get(number)
        if found is None:
            found = Block(int(storage.nbytes()), self.now)
            self.blocks.append(found)
            self._living[number] = found
            weakref.finalize(storage, self._died, number).atexit = False
        return found

    def _died(self, number: int) -> None:
        """Note that memory was given back."""
        block = self._living.pop(number)
        block.died = self.now
