"""What preprocessings of texts by sub-words share: which texts they learn from, and what is remembered of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutelage.core.typed import Size, take
from tutelage.data.part.base import Part
from tutelage.data.prepare.base import Prepare
from tutelage.data.prepare.sub_words import SubWords
from tutelage.data.prepare.token_texts import FittedTokens, as_texts, no_words, plain, require_different
from tutelage.data.prepare.tokenizer_file import with_plain_texts

__all__ = ["FittedSubWordTexts", "SubWordTexts"]

MOST_CHARACTERS = 100_000_000
"""Characters that are learned from; of more every n-th text is, which has the same pieces, in minutes and not in hours."""


class SubWordTexts(Prepare):
    """Settings of a preprocessing of texts by sub-words."""

    length: int
    lowercase: bool

    def learn(self, texts: Sequence[str]) -> SubWords:
        """Return the sub-words of texts."""
        raise NotImplementedError

    def read(self, state: Mapping[str, Any]) -> SubWords:
        """Rebuild sub-words from what `FittedSubWordTexts.state` returned."""
        raise NotImplementedError

    def fitted(self, words: SubWords, *, length: int, lowercase: bool, column: str) -> "FittedSubWordTexts":
        """Return the preprocessing by these sub-words."""
        raise NotImplementedError

    def fit(self, part: Part) -> "FittedSubWordTexts":
        """Learn the sub-words.

        Raises:
            DataError: All texts are blank.
            UsageError: The `tokenizers` library is not installed.
        """
        texts = as_texts(part)
        every = max(1, -(-sum(map(len, texts.texts)) // MOST_CHARACTERS))
        plain_texts = [plain(str(text), lowercase=self.lowercase) for text in texts.texts[::every]]
        if not any(text.strip() for text in plain_texts):
            raise no_words(texts)
        require_different(texts)
        words = self.learn(plain_texts)
        return self.fitted(words, length=self.length, lowercase=self.lowercase, column=texts.text_column)

    def restore(self, state: Mapping[str, Any]) -> "FittedSubWordTexts":
        """Rebuild what `FittedSubWordTexts.state` returned."""
        return self.fitted(
            self.read(state),
            length=take(state, "length", Size),
            lowercase=take(state, "lowercase", bool),
            column=take(state, "column", str),
        )


@dataclass(frozen=True)
class FittedSubWordTexts(FittedTokens):
    """Fitted preprocessing of texts by sub-words.

    Attributes:
        words: The sub-words; code 0 stands for what they cannot write, and for dropped ones.
        length: Most sub-words of a text.
        lowercase: Whether capital and small letters are the same.
        column: The column of a table that holds the texts; "" where they are not in a table.
    """

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

    def tokenizer(self) -> str:
        """Return what makes the same sub-words."""
        return with_plain_texts(self.words.tokenizer(), lowercase=self.lowercase)

    def name_token(self, code: int) -> tuple[str, str]:
        """Return a sub-word as it stands in the vocabulary."""
        return self.words.pieces[code], f"sub-word {code:,} of {len(self.words):,}"

    def say(self) -> str:
        """Write vocabulary and length."""
        return f"{len(self.words):,} {self.unit}, texts of at most {self.length:,}"
