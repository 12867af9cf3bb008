"""What was counted: how often each operator is called in each part of a step, with its arithmetic and its bytes."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

__all__ = ["Counted", "Part", "Work", "join", "times"]

Part = Literal["forward", "backward", "update"]
"""Where in a step an operator is called; a gradient that the loss itself needs is `backward` too."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One operator with the same sizes, called one or more times.

    Attributes:
        part: Where in the step.
        kind: Its class, such as `matmul`; `unknown` where nobody knows a formula.
        dtype: Type of the numbers that are computed with, such as `bfloat16`.
        op: Its name, such as `addmm`.
        sizes: What its class says the time depends on; () where bytes say it.
        num: Calls.
        products: FLOPs of matrix products and convolutions in one call.
        others: All other arithmetic in one call.
        skipped: FLOPs of products that a causal mask spares in one call.
        read: Bytes read in one call.
        written: Bytes written in one call.
        is_covered: Whether there is a formula; else arithmetic is told as 0, and bytes are those of all operands.
    """

    part: Part
    kind: str
    dtype: str
    op: str
    sizes: tuple[int, ...] = ()
    num: int = 1
    products: int = 0
    others: int = 0
    skipped: int = 0
    read: int = 0
    written: int = 0
    is_covered: bool = True

    @property
    def flops(self) -> int:
        """All arithmetic of all calls."""
        return self.num * (self.products + self.others)

    @property
    def bytes(self) -> int:
        """Bytes read and written by all calls."""
        return self.num * (self.read + self.written)


@dataclass(frozen=True, slots=True)
class Work:
    """The work of a step, or of a part of it.

    Attributes:
        ops: Each operator with its sizes, in the order in which they were first called.
    """

    ops: tuple[Counted, ...] = ()

    @property
    def flops(self) -> int:
        """All arithmetic: products, and one for each other operation on a number."""
        return sum(op.flops for op in self.ops)

    @property
    def matmul_flops(self) -> int:
        """Arithmetic of matrix products, convolutions, attention and recurrent kernels alone, two for each multiply-add."""
        return sum(op.num * op.products for op in self.ops)

    @property
    def skipped_flops(self) -> int:
        """Arithmetic of products that causal masks spare: `matmul_flops` and this are what torch's own counter counts."""
        return sum(op.num * op.skipped for op in self.ops)

    @property
    def bytes(self) -> int:
        """Bytes that all operators read and write, as if nothing were kept in a cache between two of them."""
        return sum(op.bytes for op in self.ops)

    @property
    def num_ops(self) -> int:
        """Calls of operators, those included that compute nothing: each of them takes the host a while."""
        return sum(op.num for op in self.ops)

    @property
    def coverage(self) -> float:
        """Share of the bytes that operators with a formula move; 1 where nothing is moved."""
        total = self.bytes
        return 1.0 if not total else sum(op.bytes for op in self.ops if op.is_covered) / total

    @property
    def op_coverage(self) -> float:
        """Share of the calls that have a formula."""
        return 1.0 if not self.ops else sum(op.num for op in self.ops if op.is_covered) / self.num_ops

    @property
    def uncovered(self) -> Mapping[str, int]:
        """How often each operator without a formula was called; its arithmetic is not among `flops`."""
        calls: Counter[str] = Counter()
        for op in self.ops:
            if not op.is_covered:
                calls[op.op] += op.num
        return dict(calls)

    def where(self, wanted: Callable[[Counted], bool]) -> "Work":
        """Return what some of the operators do."""
        return Work(tuple(op for op in self.ops if wanted(op)))

    def part(self, part: Part) -> "Work":
        """Return what is done in one part of the step."""
        return self.where(lambda op: op.part == part)

    def by(self, *names: str) -> "dict[tuple[str, ...], Work]":
        """Return the work by some attributes of its operators, such as by `part` and `kind`."""
        found: dict[tuple[str, ...], list[Counted]] = {}
        for op in self.ops:
            found.setdefault(tuple(str(getattr(op, name)) for name in names), []).append(op)
        return {key: Work(tuple(ops)) for key, ops in found.items()}

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        sums = ("flops", "matmul_flops", "skipped_flops", "bytes", "num_ops", "coverage", "op_coverage", "uncovered")
        ops = [asdict(op) | {"sizes": list(op.sizes)} for op in self.ops]
        return {name: getattr(self, name) for name in sums} | {"ops": ops}


def join(works: Iterable[Work]) -> Work:
    """Return several works done one after another, equal calls together."""
    nums: dict[Counted, int] = {}
    for work in works:
        for op in work.ops:
            alike = _once(op)
            nums[alike] = nums.get(alike, 0) + op.num
    return Work(tuple(times(op, num) for op, num in nums.items()))


def _once(op: Counted) -> Counted:
    """Return an operator as if it were called once."""
    return op if op.num == 1 else times(op, 1)


def times(op: Counted, num: int) -> Counted:
    """Return an operator called so many times."""
    return replace(op, num=num)
