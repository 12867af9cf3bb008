"""Text as the bytes of its UTF-8 form, in pieces of one length: no alphabet to learn, and no character is unknown.

When to use it: texts in many scripts, or with signs that the train part may lack. A letter beyond ASCII is two to four
tokens, so a piece of such a text holds fewer characters than one of `characters`.
"""

import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.core.typed import Size, take
from tutelage.data.part.base import Part
from tutelage.data.prepare.base import Prepare
from tutelage.data.prepare.running_text import FittedText, as_corpus, blocks_of, long_enough

__all__ = ["Bytes", "FittedBytes"]

FOLLOWING = range(0x80, 0xC0)
"""Bytes that go on with a character; all others begin one."""


class Bytes(Prepare):
    """Settings of the preprocessing of text by bytes."""

    kind: Literal["bytes"] = "bytes"
    length: int = Field(128, ge=2, le=2**20, description="Bytes in a piece that is learned at once. Typical: 64 to 512.")

    def fit(self, part: Part) -> "FittedBytes":
        """Learn nothing.

        Raises:
            DataError: The text is shorter than one piece.
        """
        corpus, fitted = as_corpus(part), FittedBytes(self.length)
        long_enough(corpus, num_tokens=len(fitted.tokens(corpus)), length=self.length, unit="bytes")
        return fitted

    def restore(self, state: Mapping[str, Any]) -> "FittedBytes":
        """Rebuild what `FittedBytes.state` returned."""
        return FittedBytes(take(state, "length", Size))


@dataclass(frozen=True)
class FittedBytes(FittedText):
    """Fitted preprocessing of text by bytes.

    Attributes:
        length: Bytes in a piece.
    """

    length: int
    unit: ClassVar[str] = "bytes"

    @property
    def num_characters(self) -> np.ndarray:
        """One in each byte that begins a character."""
        counts = np.ones(256)
        counts[list(FOLLOWING)] = 0
        return counts

    @property
    def start(self) -> int:
        """The end of a line."""
        return ord("\n")

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        return {"length": self.length}

    def say(self) -> str:
        """Write the length."""
        return f"pieces of {self.length} bytes of UTF-8"

    def most_tokens(self, text: str) -> int:
        """Return the number of bytes."""
        return sum(len(block.encode("utf-8", "surrogatepass")) for block in blocks_of(text))

    def encode(self, text: str) -> np.ndarray:
        """Return the bytes, uint8 [N]."""
        return np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8)

    def writer(self) -> Callable[[Sequence[int]], str]:
        """Return a decoder; bytes that are no text become U+FFFD."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        return lambda tokens: decoder.decode(bytes(tokens))
