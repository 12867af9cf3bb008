"""What a graphics card's allocator takes of the card for a given course of births and deaths: more than the tensors' own bytes.

It rounds sizes up, takes memory in segments, keeps what was given back for later, and cuts free pieces to fit.

Source: the rules of torch's CUDA caching allocator as its documentation (CUDA semantics, memory management) and its constants
state them. Differs from it: one stream; segments are never given back.
"""

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Pool", "reserved_peak"]

ROUNDING = 512
SMALL, SMALL_SEGMENT = 2**20, 2 * 2**20
"""Up to so many bytes a piece comes from segments of 2 MiB."""
LARGE, LARGE_SEGMENT = 10 * 2**20, 20 * 2**20
"""Up to so many bytes a larger one comes from segments of 20 MiB; beyond, from a segment of its own, in steps of 2 MiB."""


@dataclass(slots=True, eq=False)
class _Piece:
    """A stretch of a segment; neighbours are pieces of the same segment, and each is equal to itself alone."""

    num_bytes: int
    is_free: bool = True
    before: "_Piece | None" = None
    after: "_Piece | None" = None


class Pool:
    """The memory of a card, as the allocator holds it.

    Attributes:
        reserved: Bytes taken from the card.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self.reserved = 0
        self._free: dict[bool, list[_Piece]] = {True: [], False: []}
        self._is_small: dict[int, bool] = {}

    def take(self, num_bytes: int) -> _Piece:
        """Return a piece for a tensor."""
        wanted = rounded(num_bytes)
        is_small = wanted <= SMALL
        fitting = [piece for piece in self._free[is_small] if piece.num_bytes >= wanted]
        piece = min(fitting, key=lambda each: each.num_bytes, default=None)
        if piece is None:
            piece = _Piece(segment_bytes(wanted))
            self.reserved += piece.num_bytes
        else:
            self._free[is_small].remove(piece)
        piece.is_free = False
        rest = piece.num_bytes - wanted
        if rest >= ROUNDING if is_small else rest > SMALL:
            left = _Piece(rest, before=piece, after=piece.after)
            if piece.after is not None:
                piece.after.before = left
            piece.num_bytes, piece.after = wanted, left
            self._free[is_small].append(left)
        self._is_small[id(piece)] = is_small
        return piece

    def give_back(self, piece: _Piece) -> None:
        """Take a piece back, and join it with free neighbours."""
        is_small = self._is_small.pop(id(piece))
        free = self._free[is_small]
        for other in (piece.before, piece.after):
            if other is None or not other.is_free:
                continue
            free.remove(other)
            piece.num_bytes += other.num_bytes
            if other is piece.before:
                piece.before = other.before
                if piece.before is not None:
                    piece.before.after = piece
            else:
                piece.after = other.after
                if piece.after is not None:
                    piece.after.before = piece
        piece.is_free = True
        free.append(piece)


def rounded(num_bytes: int) -> int:
    """Return the bytes of a piece."""
    return max(-(-num_bytes // ROUNDING), 1) * ROUNDING


def segment_bytes(wanted: int) -> int:
    """Return the bytes of a new segment."""
    if wanted <= SMALL:
        return SMALL_SEGMENT
    return LARGE_SEGMENT if wanted < LARGE else -(-wanted // SMALL_SEGMENT) * SMALL_SEGMENT


def reserved_peak(lives: Iterable[tuple[int, int, int]]) -> int:
    """Return the bytes that a card has to give.

    Args:
        lives: Bytes, first and last moment of each tensor.
    """
    events: list[tuple[int, int, int]] = []
    sizes: list[int] = []
    for number, (num_bytes, born, died) in enumerate(lives):
        sizes.append(num_bytes)
        # What dies at a moment is still there when something is born at it.
        events += [(born, 0, number), (died, 1, number)] if num_bytes else []
    pool = Pool()
    held: dict[int, _Piece] = {}
    for _, is_death, number in sorted(events):
        if is_death:
            pool.give_back(held.pop(number))
        else:
            held[number] = pool.take(sizes[number])
    return pool.reserved
