"""Regular expressions (RE2) for all spellings of a word that count as the same once a cell is trimmed and in small letters.

An exported graph can neither trim a text nor make its letters small; it can match one. What each character becomes is asked of
Arrow, through which cells go in training, so that both agree on the dotted I and the long s too. Not a
component.
"""

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["among_others", "one_of"]

BLANK = r"[\x{9}-\x{d}\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]"
"""What Arrow trims."""
LAST = 0x20000
"""No character from here on has a small letter."""
SURROGATES = (0xD800, 0xE000)
"""First, and first after: halves of characters, which no text holds alone."""


def among_others(word: str) -> str:
    """Return what fits a text in which a word of small letters occurs, in whatever letters."""
    return rf"(?s)(.*\PL)?{_spelled(word)}(\PL.*)?"


def one_of(*words: str) -> str:
    """Return what fits one of some words in small letters, in whatever letters, blanks around it."""
    return f"{BLANK}*({'|'.join(map(_spelled, words))}){BLANK}*"


def _spelled(word: str) -> str:
    """Return what fits a word in small and capital letters."""
    capitals = _capitals()
    return "".join(f"[{letter}{capitals.get(letter, '')}]" for letter in word)


@cache
def _capitals() -> dict[str, str]:
    """Return the characters that become each small letter, other than itself."""
    codes = np.r_[1 : SURROGATES[0], SURROGATES[1] : LAST].astype(np.uint32)
    characters = pa.array(codes.view("<U1"))
    small = pc.utf8_lower(characters)
    is_other = pc.not_equal(small, characters)
    found: dict[str, str] = {}
    for letter, capital in zip(small.filter(is_other).to_pylist(), characters.filter(is_other).to_pylist(), strict=True):
        found[letter] = found.get(letter, "") + capital
    return found
