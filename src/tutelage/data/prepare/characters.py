"""Text as numbers of its characters, learned from the train part, in pieces of one length.

A character that the train part does not have becomes code 0.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.core.typed import Size, take
from tutelage.data.part.base import Part
from tutelage.data.prepare.base import Prepare
from tutelage.data.prepare.running_text import FittedText, as_corpus, long_enough
from tutelage.data.prepare.token_store import code_type

__all__ = ["Characters", "FittedCharacters"]

UNKNOWN = "\0"
"""Stands for every character that was not seen in training."""


class Characters(Prepare):
    """Settings of the preprocessing of text by characters."""

    kind: Literal["characters"] = "characters"
    length: int = Field(128, ge=2, le=2**20, description="Characters in a piece that is learned at once. Typical: 64 to 512.")

    def fit(self, part: Part) -> "FittedCharacters":
        """Learn the alphabet.

        Raises:
            DataError: The text is shorter than one piece.
        """
        corpus = as_corpus(part)
        long_enough(corpus, num_tokens=len(corpus.text), length=self.length, unit="characters")
        return FittedCharacters(UNKNOWN + "".join(sorted(set(corpus.text) - {UNKNOWN})), self.length)

    def restore(self, state: Mapping[str, Any]) -> "FittedCharacters":
        """Rebuild what `FittedCharacters.state` returned."""
        return FittedCharacters(take(state, "alphabet", str), take(state, "length", Size))


@dataclass(frozen=True)
class FittedCharacters(FittedText):
    """Fitted preprocessing of text.

    Attributes:
        alphabet: Characters by code; code 0 stands for all others.
        length: Characters in a piece.
    """

    alphabet: str
    length: int
    unit: ClassVar[str] = "characters"

    @property
    def num_characters(self) -> np.ndarray:
        """One in each token."""
        return np.ones(len(self.alphabet))

    @property
    def start(self) -> int:
        """The end of a line, or else the first known character."""
        return max(1, self.alphabet.find("\n"))

    @property
    def never_drawn(self) -> tuple[int, ...]:
        """The code of characters that were never seen."""
        return (0,)

    def entries(self) -> dict[str, tuple[str, ...]]:
        """Return the characters by code."""
        return {"token": tuple(self.alphabet)}

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        return {"alphabet": self.alphabet, "length": self.length}

    def say(self) -> str:
        """Write length and alphabet."""
        return f"pieces of {self.length} characters, {len(self.alphabet) - 1} different ones"

    def encode(self, text: str) -> np.ndarray:
        """Return the code of each character, whole numbers [N]."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        known = np.frombuffer(self.alphabet[1:].encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        places = np.minimum(np.searchsorted(known, points), len(known) - 1)
        codes = np.where(known[places] == points, places + 1, 0)
        return codes.astype(code_type(len(self.alphabet)))

    def unknown(self, text: str) -> str:
        """Return the characters that were not seen in training."""
        return "".join(sorted(set(text) - set(self.alphabet[1:])))

    def writer(self) -> Callable[[Sequence[int]], str]:
        """Return what looks codes up."""
        return lambda codes: "".join(self.alphabet[code] for code in codes)
