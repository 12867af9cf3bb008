"""Texts with answers as word pieces, learned from the train part; needs the extra `text`.

When to use it: as `bpe_texts`, for texts in one script whose words are parted by blanks. Pieces are made of characters and stay
within a word; a word with a character that is rare in the train part becomes code 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.core.typed import Size, take
from tutelage.data.part.base import Part
from tutelage.data.prepare.base import Prepare
from tutelage.data.prepare.sub_words import SubWords, learn_word_pieces
from tutelage.data.prepare.token_texts import FittedTokens, as_texts, no_words, plain

__all__ = ["WordPieceTexts", "FittedWordPieceTexts"]


class WordPieceTexts(Prepare):
    """Settings of the preprocessing of texts by word pieces."""

    kind: Literal["word_piece_texts"] = "word_piece_texts"
    vocabulary_size: int = Field(16_000, ge=4, le=2**20, description="Most different word pieces. Typical: 4,000 to 32,000.")
    length: int = Field(
        512, ge=1, le=2**20, description="Most word pieces of a text; of a longer one the beginning and the end count."
    )
    lowercase: bool = Field(True, description="Whether capital and small letters are the same.")

    def fit(self, part: Part) -> "FittedWordPieceTexts":
        """Learn the word pieces.

        Raises:
            DataError: All texts are blank.
            UsageError: The `tokenizers` library is not installed.
        """
        texts = as_texts(part)
        plain_texts = [plain(str(text), lowercase=self.lowercase) for text in texts.texts]
        if not any(text.strip() for text in plain_texts):
            raise no_words(texts)
        words = learn_word_pieces(plain_texts, vocabulary_size=self.vocabulary_size)
        return FittedWordPieceTexts(words, self.length, self.lowercase, texts.text_column)

    def restore(self, state: Mapping[str, Any]) -> "FittedWordPieceTexts":
        """Rebuild what `FittedWordPieceTexts.state` returned."""
        words = SubWords.of_words(take(state, "pieces", str))
        return FittedWordPieceTexts(
            words, take(state, "length", Size), take(state, "lowercase", bool), take(state, "column", str)
        )


@dataclass(frozen=True)
class FittedWordPieceTexts(FittedTokens):
    """Fitted preprocessing of texts by word pieces.

    Attributes:
        words: The word pieces; code 0 stands for words that cannot be made of the others.
        length: Most word pieces of a text.
        lowercase: Whether capital and small letters are the same.
        column: The column of a table that holds the texts; "" where they are not in a table.
    """

    unit: ClassVar[str] = "word pieces"
    words: SubWords
    length: int
    lowercase: bool
    column: str

    @property
    def vocabulary_size(self) -> int:
        """All word pieces."""
        return len(self.words)

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the codes of the word pieces of each text."""
        return self.words.encode([plain(text, lowercase=self.lowercase) for text in texts])

    def name_token(self, code: int) -> tuple[str, str]:
        """Return a sub-word as it stands in the vocabulary."""
        return self.words.pieces[code], f"sub-word {code:,} of {len(self.words):,}"

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        told = {"pieces": self.words.pieces_told}
        return {**told, "length": self.length, "lowercase": self.lowercase, "column": self.column}

    def say(self) -> str:
        """Write vocabulary and length."""
        return f"{len(self.words):,} word pieces, texts of at most {self.length:,}"
