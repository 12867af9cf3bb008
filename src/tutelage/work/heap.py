"""What a process takes of the machine's memory for a given course of births and deaths: the heap of the GNU C library.

Large pieces are asked of the system one by one at first; once such a piece has been given back, pieces up to its size (at most
32 MiB) come from one growing heap, whose holes stay the process's own. Torch asks for addresses that are multiples of 64: for
these the library needs a hole that is 96 bytes larger than the piece, and leaves a gap of 48 to 80 bytes before it. Small objects
of the program settle in such gaps, and then the memory on both sides can never be joined again: a hole of the size of a tensor
that was given back does not take another tensor of this size. That makes a step take up to twice its tensors.

Source: the rules that the GNU C library's manual ("Malloc Tunable Parameters") and its source state (2.36).
Differs from it: one thread's arena; small pieces are looked for as large ones are; in place of the program's small objects a
fixed share of the gaps is taken.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.core.allocator import KEEPING, M_MMAP_THRESHOLD, M_TOP_PAD, M_TRIM_THRESHOLD, SPARING

__all__ = ["KEEPS", "SPARES", "USUAL", "Habit", "Heap", "heap_peak"]

PAGE, UNIT, LEAST = 4096, 16, 32
ALIGNMENT = 64
"""Of torch's tensors."""
LAST_THRESHOLD = 32 * 2**20
PAD = 128 * 1024
SETTLED = 5
"""Every so manieth gap is taken by a small object: so the peaks of 10 networks after 10 steps are met best."""
CONSOLIDATION = 64 * 1024
"""Only when a hole of this size has come about, the heap's end is given back."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How the library was told to ask the system for memory, in bytes.

    Attributes:
        threshold: Pieces from this size on are asked for one by one where the heap has no hole for them.
        trim: The heap's end is given back from this size on.
        pad: By so much more the heap grows than it has to, and so much stays when it shrinks.
        adapts: Whether the threshold becomes the size of what was given back.
        keeps: Whether the heap never shrinks; then of its end only what was written to is held.
    """

    threshold: int = 128 * 1024
    trim: int = 128 * 1024
    pad: int = PAD
    adapts: bool = True
    keeps: bool = False


USUAL = Habit()
KEEPS = Habit(KEEPING[M_MMAP_THRESHOLD], KEEPING[M_TRIM_THRESHOLD], adapts=False, keeps=True)
"""As in a training (`training/freed_memory.py`); by how much the heap grows is no matter: only what is written to is held."""
SPARES = Habit(SPARING[M_MMAP_THRESHOLD], SPARING[M_TRIM_THRESHOLD], SPARING[M_TOP_PAD], adapts=False)
"""As where addresses are few."""


@dataclass(slots=True, eq=False)
class _Chunk:
    """A stretch of the heap, or of memory of its own where it has no address."""

    address: int
    num_bytes: int
    is_free: bool = False
    before: "_Chunk | None" = None
    after: "_Chunk | None" = None


class Heap:
    """The memory of a process.

    Attributes:
        held: Bytes that the process holds, of the heap and beside it.
    """

    def __init__(self, num_gaps: int = 0, *, habit: Habit = USUAL) -> None:
        """Hold nothing.

        Args:
            num_gaps: How many gaps are taken for passed already, and so which of those to come is taken.
            habit: How the library asks for memory.
        """
        self.held = 0
        self._habit, self._reached = habit, 0
        self._threshold, self._trim = habit.threshold, habit.trim
        self._top = _Chunk(0, 0, is_free=True)
        # Sizes and addresses of the holes, the smallest first, and what they are: there are hundreds, often asked for.
        self._holes: list[tuple[int, int]] = []
        self._free: dict[int, _Chunk] = {}
        self._num_gaps = num_gaps

    def take(self, num_bytes: int) -> _Chunk:
        """Return a chunk for a tensor."""
        wanted = _padded(num_bytes)
        needed = _padded(wanted + ALIGNMENT + LEAST)
        place = bisect_left(self._holes, (needed, -1))
        if place < len(self._holes):
            _, address = self._holes.pop(place)
            chunk = self._free.pop(address)
            chunk.is_free = False
            return self._cut(chunk, wanted)
        if self._top.num_bytes < needed + LEAST:
            if needed >= self._threshold:
                pages = _pages(needed)
                self.held += pages
                return _Chunk(-1, pages)
            more = _pages(needed + self._habit.pad + LEAST - self._top.num_bytes)
            self.held += 0 if self._habit.keeps else more
            self._top.num_bytes += more
        chunk = self._cut(self._from_top(needed), wanted)
        if self._habit.keeps:
            self.held += max(self._top.address - self._reached, 0)
            self._reached = max(self._top.address, self._reached)
        return chunk

    def give_back(self, chunk: _Chunk) -> None:
        """Take a chunk back."""
        if chunk.address < 0:
            self.held -= chunk.num_bytes
            if self._habit.adapts and self._threshold < chunk.num_bytes <= LAST_THRESHOLD:
                self._threshold, self._trim = chunk.num_bytes, 2 * chunk.num_bytes
            return
        size = self._release(chunk)
        if not self._habit.keeps and size >= CONSOLIDATION and self._top.num_bytes >= self._trim:
            less = max(self._top.num_bytes - self._habit.pad - LEAST, 0) // PAGE * PAGE
            self._top.num_bytes -= less
            self.held -= less

    def _from_top(self, num_bytes: int) -> _Chunk:
        """Cut a chunk off the heap's end."""
        top = self._top
        chunk = _Chunk(top.address, num_bytes, before=top.before, after=top)
        if top.before is not None:
            top.before.after = chunk
        top.before, top.address, top.num_bytes = chunk, top.address + num_bytes, top.num_bytes - num_bytes
        return chunk

    def _cut(self, chunk: _Chunk, wanted: int) -> _Chunk:
        """Leave the part of a chunk that begins where a tensor may, and give back what is left of it on both sides."""
        lead = -(chunk.address + UNIT) % ALIGNMENT
        if lead:
            lead += ALIGNMENT if lead < LEAST else 0
            front, chunk = chunk, self._split(chunk, lead)
            self._num_gaps += 1
            if self._num_gaps % SETTLED:
                self._release(front)
        if chunk.num_bytes - wanted > LEAST:
            self._release(self._split(chunk, wanted))
        return chunk

    def _split(self, chunk: _Chunk, at: int) -> _Chunk:
        """Cut a chunk in two, and return the second."""
        rest = _Chunk(chunk.address + at, chunk.num_bytes - at, before=chunk, after=chunk.after)
        if chunk.after is not None:
            chunk.after.before = rest
        chunk.num_bytes, chunk.after = at, rest
        return rest

    def _release(self, chunk: _Chunk) -> int:
        """Join a chunk with free neighbours, and return the size of the hole."""
        before, after = chunk.before, chunk.after
        if before is not None and before.is_free:
            self._forget(before)
            chunk.address, chunk.num_bytes = before.address, chunk.num_bytes + before.num_bytes
            chunk.before = before.before
            if chunk.before is not None:
                chunk.before.after = chunk
        if after is self._top:
            after.address, after.num_bytes, after.before = chunk.address, after.num_bytes + chunk.num_bytes, chunk.before
            if after.before is not None:
                after.before.after = after
            return after.num_bytes
        if after is not None and after.is_free:
            self._forget(after)
            chunk.num_bytes, chunk.after = chunk.num_bytes + after.num_bytes, after.after
            if chunk.after is not None:
                chunk.after.before = chunk
        chunk.is_free = True
        self._free[chunk.address] = chunk
        insort(self._holes, (chunk.num_bytes, chunk.address))
        return chunk.num_bytes

    def _forget(self, chunk: _Chunk) -> None:
        """Take a hole out of those that there are, since it is joined with another."""
        del self._free[chunk.address]
        del self._holes[bisect_left(self._holes, (chunk.num_bytes, chunk.address))]


def _padded(num_bytes: int) -> int:
    """Return the bytes of a chunk: a header of 8, and multiples of 16."""
    return max(-(-(num_bytes + 8) // UNIT) * UNIT, LEAST)


def _pages(num_bytes: int) -> int:
    """Return whole pages."""
    return -(-num_bytes // PAGE) * PAGE


def heap_peak(lives: Sequence[tuple[int, int, int]], *, habit: Habit = USUAL) -> int:
    """Return the most bytes that a process holds at once: the mean over which of the gaps are taken.

    Args:
        lives: Bytes, first and last moment of each tensor.
        habit: How the library asks for memory.
    """
    return round(sum(_peak(lives, Heap(number, habit=habit)) for number in range(SETTLED)) / SETTLED)


def _peak(lives: Sequence[tuple[int, int, int]], heap: Heap) -> int:
    """Return the same for one heap."""
    events = [(first, 0, number) for number, (num_bytes, first, _) in enumerate(lives) if num_bytes]
    # What dies at a moment is still there when something is born at it.
    events += [(last, 1, number) for number, (num_bytes, _, last) in enumerate(lives) if num_bytes]
    chunks: dict[int, _Chunk] = {}
    peak = 0
    for _, is_death, number in sorted(events):
        if is_death:
            heap.give_back(chunks.pop(number))
        else:
            chunks[number] = heap.take(lives[number][0])
            peak = max(peak, heap.held)
    return peak
