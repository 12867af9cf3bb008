"""Text as sub-words (byte-pair encoding), learned from the train part, in pieces of one length; needs the extra `text`.

When to use it: a text of some megabytes or more. A piece holds three or four times as many characters as one of `characters`,
and the network has to learn fewer spellings; of a short text it learns by heart sooner. Any text can be written in such
tokens, since they are made of bytes. Not for word pieces: these lose blanks, so that no text could be put together again.
"""

import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.core.typed import Size, take
from tutelage.data.part.base import Part
from tutelage.data.prepare.base import Prepare
from tutelage.data.prepare.running_text import FittedText, as_corpus, blocks_of, long_enough
from tutelage.data.prepare.sub_words import SubWords, byte_pieces, learn_bpe

__all__ = ["Bpe", "FittedBpe"]

FOLLOWING = range(0x80, 0xC0)
"""Bytes that go on with a character; all others begin one."""
MOST_BLOCKS = 400
"""Blocks of a text that are learned from, evenly spread: about 100 MB."""


class Bpe(Prepare):
    """Settings of the preprocessing of text by sub-words."""

    kind: Literal["bpe"] = "bpe"
    vocabulary_size: int = Field(
        1_024, ge=257, le=2**20, description="Most different sub-words, 256 bytes among them. Typical: 1,000 (1 MB) to 32,000."
    )
    length: int = Field(128, ge=2, le=2**20, description="Sub-words in a piece that is learned at once. Typical: 64 to 512.")

    def fit(self, part: Part) -> "FittedBpe":
        """Learn the sub-words.

        Raises:
            DataError: The text is shorter than one piece.
            UsageError: The `tokenizers` library is not installed.
        """
        corpus = as_corpus(part)
        words = learn_bpe(_spread(corpus.text), vocabulary_size=self.vocabulary_size)
        fitted = FittedBpe(words, self.length)
        long_enough(corpus, num_tokens=len(fitted.tokens(corpus)), length=self.length, unit=FittedBpe.unit)
        return fitted

    def restore(self, state: Mapping[str, Any]) -> "FittedBpe":
        """Rebuild what `FittedBpe.state` returned."""
        words = SubWords.of_bytes(take(state, "pieces", str), take(state, "merges", str))
        return FittedBpe(words, take(state, "length", Size))


@dataclass(frozen=True)
class FittedBpe(FittedText):
    """Fitted preprocessing of text by sub-words.

    Attributes:
        words: The sub-words.
        length: Sub-words in a piece.
    """

    words: SubWords
    length: int
    unit: ClassVar[str] = "sub-words"

    @cached_property
    def _bytes(self) -> tuple[bytes, ...]:
        """What each token stands for."""
        values = {piece: value for value, piece in enumerate(byte_pieces())}
        return tuple(bytes(values[sign] for sign in piece) for piece in self.words.pieces)

    @cached_property
    def num_characters(self) -> np.ndarray:
        """As many in each token as bytes that begin one."""
        return np.array([sum(byte not in FOLLOWING for byte in piece) for piece in self._bytes], dtype=np.float64)

    @property
    def start(self) -> int:
        """The end of a line."""
        return self._bytes.index(b"\n")

    def entries(self) -> dict[str, tuple[str, ...]]:
        """Return the sub-words by code."""
        return {"token": self.words.pieces}

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        return {"pieces": self.words.pieces_told, "merges": self.words.merges_told, "length": self.length}

    def say(self) -> str:
        """Write length and vocabulary."""
        return f"pieces of {self.length} sub-words, {len(self.words):,} different ones"

    def most_tokens(self, text: str) -> int:
        """Return the number of bytes."""
        return sum(len(block.encode("utf-8", "surrogatepass")) for block in blocks_of(text))

    def encode(self, text: str) -> np.ndarray:
        """Return the code of each sub-word, whole numbers [N]."""
        return self.words.encode([text])[0]

    def writer(self) -> Callable[[Sequence[int]], str]:
        """Return a decoder; bytes that are no text become U+FFFD."""
        decoder, pieces = codecs.getincrementaldecoder("utf-8")("replace"), self._bytes
        return lambda tokens: decoder.decode(b"".join(pieces[token] for token in tokens))


def _spread(text: str) -> Iterator[str]:
    """Yield blocks of a text; of a very long one only some, evenly spread."""
    num_blocks = sum(1 for _ in blocks_of(text))
    step = -(-num_blocks // MOST_BLOCKS)
    return (block for number, block in enumerate(blocks_of(text)) if number % step == 0)
