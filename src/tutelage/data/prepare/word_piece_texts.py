"""Texts with answers as word pieces, learned from the train part; needs the extra `text`.

When to use it: as `bpe_texts`, for texts in one script whose words are parted by blanks. Pieces are made of characters and stay
within a word; a word with a character that is rare in the train part becomes code 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from tutelage.core.typed import take
from tutelage.data.prepare.sub_word_texts import FittedSubWordTexts, SubWordTexts
from tutelage.data.prepare.sub_words import SubWords, learn_word_pieces

__all__ = ["WordPieceTexts", "FittedWordPieceTexts"]


class WordPieceTexts(SubWordTexts):
    """Settings of the preprocessing of texts by word pieces."""

    kind: Literal["word_piece_texts"] = "word_piece_texts"
    vocabulary_size: int = Field(16_000, ge=4, le=2**20, description="Most different word pieces. Typical: 4,000 to 32,000.")
    length: int = Field(
        512, ge=1, le=2**20, description="Most word pieces of a text; of a longer one the beginning and the end count."
    )
    lowercase: bool = Field(True, description="Whether capital and small letters are the same.")

    def learn(self, texts: Sequence[str]) -> SubWords:
        """Return the word pieces of texts."""
        return learn_word_pieces(texts, vocabulary_size=self.vocabulary_size)

    def read(self, state: Mapping[str, Any]) -> SubWords:
        """Rebuild word pieces from what `FittedWordPieceTexts.state` returned."""
        return SubWords.of_words(take(state, "pieces", str))

    def fitted(self, words: SubWords, *, length: int, lowercase: bool, column: str) -> "FittedWordPieceTexts":
        """Return the preprocessing by these word pieces."""
        return FittedWordPieceTexts(words, length, lowercase, column)


@dataclass(frozen=True)
class FittedWordPieceTexts(FittedSubWordTexts):
    """Fitted preprocessing of texts by word pieces."""

    unit: ClassVar[str] = "word pieces"

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        told = {"pieces": self.words.pieces_told}
        return {**told, "length": self.length, "lowercase": self.lowercase, "column": self.column}
