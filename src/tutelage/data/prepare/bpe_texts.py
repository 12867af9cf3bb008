"""Texts with answers as sub-words (byte-pair encoding), learned from the train part; needs the extra `text`.

When to use it: words with many forms, misspelled or made-up ones, code, or languages that do not part words by blanks: no word
is unknown. A text is some more tokens than words, so that a long one costs more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.core.typed import Size, take
from tutelage.data.part.base import Part
from tutelage.data.prepare.base import Prepare
from tutelage.data.prepare.sub_words import SubWords, learn_bpe
from tutelage.data.prepare.token_texts import FittedTokens, as_texts, no_words, plain

__all__ = ["BpeTexts", "FittedBpeTexts"]


class BpeTexts(Prepare):
    """Settings of the preprocessing of texts by sub-words."""

    kind: Literal["bpe_texts"] = "bpe_texts"
    vocabulary_size: int = Field(
        16_000, ge=258, le=2**20, description="Most different sub-words, 256 bytes among them. Typical: 4,000 to 32,000."
    )
    length: int = Field(
        512, ge=1, le=2**20, description="Most sub-words of a text; of a longer one the beginning and the end count."
    )
    lowercase: bool = Field(True, description="Whether capital and small letters are the same.")

    def fit(self, part: Part) -> "FittedBpeTexts":
        """Learn the sub-words.

        Raises:
            DataError: All texts are blank.
            UsageError: The `tokenizers` library is not installed.
        """
        texts = as_texts(part)
        plain_texts = [plain(str(text), lowercase=self.lowercase) for text in texts.texts]
        if not any(text.strip() for text in plain_texts):
            raise no_words(texts)
        words = learn_bpe(plain_texts, vocabulary_size=self.vocabulary_size, has_unknown=True)
        return FittedBpeTexts(words, self.length, self.lowercase, texts.text_column)

    def restore(self, state: Mapping[str, Any]) -> "FittedBpeTexts":
        """Rebuild what `FittedBpeTexts.state` returned."""
        words = SubWords.of_bytes(take(state, "pieces", str), take(state, "merges", str))
        return FittedBpeTexts(words, take(state, "length", Size), take(state, "lowercase", bool), take(state, "column", str))


@dataclass(frozen=True)
class FittedBpeTexts(FittedTokens):
    """Fitted preprocessing of texts by sub-words.

    Attributes:
        words: The sub-words; code 0 stands for dropped ones.
        length: Most sub-words of a text.
        lowercase: Whether capital and small letters are the same.
        column: The column of a table that holds the texts; "" where they are not in a table.
    """

    unit: ClassVar[str] = "sub-words"
    words: SubWords
    length: int
    lowercase: bool
    column: str

    @property
    def vocabulary_size(self) -> int:
        """All sub-words."""
        return len(self.words)

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the codes of the sub-words of each text."""
        return self.words.encode([plain(text, lowercase=self.lowercase) for text in texts])

    def name_token(self, code: int) -> tuple[str, str]:
        """Return a sub-word as it stands in the vocabulary."""
        return self.words.pieces[code], f"sub-word {code:,} of {len(self.words):,}"

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        told = {"pieces": self.words.pieces_told, "merges": self.words.merges_told}
        return {**told, "length": self.length, "lowercase": self.lowercase, "column": self.column}

    def say(self) -> str:
        """Write vocabulary and length."""
        return f"{len(self.words):,} sub-words of bytes, texts of at most {self.length:,}"
