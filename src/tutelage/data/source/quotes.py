"""Where the quotes of a text table stand: whether Arrow reads them as they are meant, and which line breaks they enclose."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

__all__ = ["Quotes", "look_at_quotes"]

QUOTE, LINE_FEED, RETURN = b'"'[0], b"\n"[0], b"\r"[0]


@dataclass(frozen=True, slots=True)
class Quotes:
    """The quotes of a table.

    Attributes:
        are_regular: Whether each one opens or closes a whole cell, or is doubled within one; then all readers agree.
        enclosed_breaks: int64, rising: the lines, from 1, that end within a quoted cell, so that the next is no new row.
        num_lines: Lines, the last one also where nothing ends it.
    """

    are_regular: bool
    enclosed_breaks: np.ndarray
    num_lines: int


def look_at_quotes(blocks: Iterable[bytes], *, delimiter: str) -> Quotes:
    """Look at all quotes of a text, block by block.

    Quotes open and close in turn, and a doubled one closes and opens again. So a text is regular if what stands before
    each opening quote is a delimiter, a line break or a quote, and likewise after each closing one.

    Args:
        blocks: UTF-8, pieces of any size; carriage returns stand only before line feeds.
        delimiter: What divides cells, one byte.
    """
    before_opening = np.zeros(256, dtype=bool)
    before_opening[[ord(delimiter), LINE_FEED, QUOTE]] = True
    after_closing = before_opening.copy()
    after_closing[RETURN] = True
    is_inside, line, last = False, 1, LINE_FEED
    enclosed: list[np.ndarray] = []
    rest = b""
    ends_with_break = True
    for block in itertools.chain(filter(None, blocks), [b"\n"]):
        # The last byte waits for the next block, so that what follows it is known; at the end a line break follows.
        piece = np.frombuffer(rest + block, dtype=np.uint8)
        seen = piece[:-1]
        rest = block[-1:] or rest
        at = np.flatnonzero(seen == QUOTE)
        opening, closing = (at[1::2], at[0::2]) if is_inside else (at[0::2], at[1::2])
        before = np.where(opening > 0, piece[np.maximum(opening, 1) - 1], last)
        if not (before_opening[before].all() and after_closing[piece[closing + 1]].all()):
            return Quotes(False, np.zeros(0, dtype=np.int64), 0)
        if len(at) or is_inside:
            breaks = np.flatnonzero(seen == LINE_FEED)
            is_enclosed = (np.searchsorted(at, breaks) + is_inside) % 2 == 1
            enclosed.append(line + np.flatnonzero(is_enclosed))
            line += len(breaks)
        else:
            line += int(np.count_nonzero(seen == LINE_FEED))
        is_inside ^= bool(len(at) % 2)
        if len(seen):
            last = int(seen[-1])
            ends_with_break = last == LINE_FEED
    found = np.concatenate(enclosed) if enclosed else np.zeros(0, dtype=np.int64)
    return Quotes(not is_inside, found, line - ends_with_break)
