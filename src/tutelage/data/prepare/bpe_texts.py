"""Texts with answers as sub-words (byte-pair encoding), learned from the train part; needs the extra `text`.

When to use it: words with many forms, misspelled or made-up ones, code, or languages that do not part words by blanks: no word
is unknown. A text is some more tokens than words, so that a long one costs more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from tutelage.core.typed import take
from tutelage.data.prepare.sub_word_texts import FittedSubWordTexts, SubWordTexts
from tutelage.data.prepare.sub_words import SubWords, learn_bpe

__all__ = ["BpeTexts", "FittedBpeTexts"]


class BpeTexts(SubWordTexts):
    """Settings of the preprocessing of texts by sub-words."""

    kind: Literal["bpe_texts"] = "bpe_texts"
    vocabulary_size: int = Field(
        16_000, ge=258, le=2**20, description="Most different sub-words, 256 bytes among them. Typical: 4,000 to 32,000."
    )
    length: int = Field(
        512, ge=1, le=2**20, description="Most sub-words of a text; of a longer one the beginning and the end count."
    )
    lowercase: bool = Field(True, description="Whether capital and small letters are the same.")

    def learn(self, texts: Sequence[str]) -> SubWords:
        """Return the sub-words of texts."""
        return learn_bpe(texts, vocabulary_size=self.vocabulary_size, has_unknown=True)

    def read(self, state: Mapping[str, Any]) -> SubWords:
        """Rebuild sub-words from what `FittedBpeTexts.state` returned."""
        return SubWords.of_bytes(take(state, "pieces", str), take(state, "merges", str))

    def fitted(self, words: SubWords, *, length: int, lowercase: bool, column: str) -> "FittedBpeTexts":
        """Return the preprocessing by these sub-words."""
        return FittedBpeTexts(words, length, lowercase, column)


@dataclass(frozen=True)
class FittedBpeTexts(FittedSubWordTexts):
    """Fitted preprocessing of texts by sub-words."""

    unit: ClassVar[str] = "sub-words"

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        told = {"pieces": self.words.pieces_told, "merges": self.words.merges_told}
        return {**told, "length": self.length, "lowercase": self.lowercase, "column": self.column}

    def say(self) -> str:
        """Write vocabulary and length."""
        return f"{len(self.words):,} sub-words of bytes, texts of at most {self.length:,}"
