"""The most memory that a step takes, and what it is taken by, from the births and deaths of its tensors.

Whoever hands out memory takes more of the machine than the tensors' own bytes: a graphics card's allocator
(`tutelage.work.allocator`), or the heap of a process (`tutelage.work.heap`). How much more depends on what else happens there,
and so there are three numbers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from tutelage.work.allocator import reserved_peak
from tutelage.work.heap import USUAL, Habit, heap_peak
from tutelage.work.result import Part
from tutelage.work.storages import Block

__all__ = ["LABELS", "Course", "Memory", "memory_of"]

LABELS = ("parameters", "buffers", "kept", "optimizer", "gradients", "batch", "activations", "temporaries")
"""What memory holds: `kept` are copies of good weights, `activations` wait for the backward pass, `temporaries` are the rest."""
KERNELS_BYTES = 12 * 10**6
"""What kernels on a CPU take besides, for code that is made while they run and for buffers; 4 to 21 MB with 7 networks."""
MARGIN = 1.2
"""The highest number, as a factor on the expected one: peaks of 14 networks were at most 20 % above it."""
CONTEXT_BYTES = 400 * 2**20
"""What a process takes of a card before its first tensor: the driver's context, torch's kernels, workspaces of its libraries. A
rough figure, not measured here: a few hundred MiB are usual, more on large cards than on small ones."""
STANDING = frozenset({"parameters", "buffers", "kept", "optimizer"})
"""What is there between two steps."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The most memory that is taken at once, in bytes.

    Attributes:
        low: What the tensors themselves take.
        expected: What the process, or the card, gives for them in the long run.
        high: What it may give where memory falls into worse pieces than is usual.
        parts: What holds the memory at that moment, by the words of `LABELS`; they add up to `low`.
        standing: Of `low` what is there between two steps as well: weights, buffers, moments.
    """

    low: int
    expected: int
    high: int
    parts: Mapping[str, int]
    standing: int

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "low": self.low,
            "expected": self.expected,
            "high": self.high,
            "standing": self.standing,
            "parts": dict(self.parts),
        }

    def beside(self, num_bytes: int) -> "Memory":
        """Return the same where so many bytes more are taken that hold no tensor of the step."""
        return replace(self, expected=self.expected + num_bytes, high=self.high + num_bytes)

    def above(self, base: int) -> "Memory":
        """Return the same for a process that has taken so many bytes before: code of libraries, data, a card's context."""
        return Memory(self.low + base, self.expected + base, self.high + base, self.parts, self.standing + base)


@dataclass(frozen=True, slots=True)
class Course:
    """The births and deaths of all memory of a step, kept so that the same step can be told of other devices too.

    Attributes:
        blocks: Each piece of memory.
        parts: For each call of an operator, from number 1 on, where in the step it was.
    """

    blocks: tuple[Block, ...]
    parts: tuple[Part, ...]

    def memory(self, device: str, *, habit: Habit = USUAL) -> Memory:
        """Return the most memory that is taken at once on a device of this type."""
        return memory_of(self.blocks, self.parts, device=device, habit=habit)

    def on_card(self, *, share: float = 1.0) -> Memory:
        """Return what the process takes of one card, its context included, with this share of the rows, more than 1 for more."""
        return Course(tuple(self._shared(block, share) for block in self.blocks), self.parts).memory("cuda").above(CONTEXT_BYTES)

    def _shared(self, block: Block, share: float) -> Block:
        """Return what one device holds of a block: its rows of what has rows, and all of weights, gradients and moments."""
        part = self.parts[block.born - 1] if block.born else ""
        has_rows = block.label == "batch" or (not block.label and part in ("forward", "backward"))
        return replace(block, num_bytes=math.ceil(block.num_bytes * share)) if has_rows and share != 1 else block


def memory_of(blocks: Sequence[Block], parts: Sequence[Part], *, device: str, habit: Habit = USUAL) -> Memory:
    """Return the most memory that is taken at once.

    Args:
        blocks: Each piece of memory.
        parts: For each call of an operator, from number 1 on, where in the step it was.
        device: Type of the device, `cpu` or `cuda`.
        habit: How the C library of the process asks for memory.
    """
    last = len(parts)
    lives = [(block.num_bytes, block.born, last if block.died is None else block.died) for block in blocks]
    moment = _peak(lives, last)
    taken = dict.fromkeys(LABELS, 0)
    for block, (num_bytes, born, died) in zip(blocks, lives, strict=True):
        if born <= moment <= died:
            taken[block.label or _label(born, died, parts)] += num_bytes
    low = sum(taken.values())
    on_card = device == "cuda"
    expected = reserved_peak(lives) if on_card else heap_peak(_twice(lives, blocks, last), habit=habit) + KERNELS_BYTES
    expected = max(low, expected)
    standing = sum(taken[label] for label in STANDING)
    return Memory(low=low, expected=expected, high=round(MARGIN * expected), parts=taken, standing=standing)


def _peak(lives: Sequence[tuple[int, int, int]], last: int) -> int:
    """Return the moment at which most is taken."""
    change = [0] * (last + 2)
    for num_bytes, born, died in lives:
        change[born] += num_bytes
        change[died + 1] -= num_bytes
    course = list(accumulate(change))
    return max(range(last + 1), key=course.__getitem__)


def _twice(lives: Sequence[tuple[int, int, int]], blocks: Sequence[Block], last: int) -> list[tuple[int, int, int]]:
    """Return the course, and once more what comes and goes in it: holes are left in the first round."""
    again = [
        (num_bytes, born + last, died + last)
        for (num_bytes, born, died), block in zip(lives, blocks, strict=True)
        if born and block.died is not None
    ]
    return [*lives, *again]


def _label(born: int, died: int, parts: Sequence[Part]) -> str:
    """Return what memory without a label held: what was made forwards and is there when gradients begin was kept for them."""
    is_forward = born > 0 and parts[born - 1] == "forward"
    return "activations" if is_forward and "backward" in parts[born:died] else "temporaries"
