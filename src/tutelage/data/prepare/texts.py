"""Texts as numbers of their words, learned from the train part; texts of unequal length, padded batch by batch.

A word that is not among the most frequent of the train part becomes code 0. Of a long text the beginning and the end are kept.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.core.typed import Size, take
from tutelage.core.unspaced import words_of
from tutelage.data.part.base import Part
from tutelage.data.prepare.base import Prepare
from tutelage.data.prepare.kept_tokens import UNKNOWN
from tutelage.data.prepare.token_store import code_type
from tutelage.data.prepare.token_texts import FittedTokens, as_texts, no_words, plain, require_different
from tutelage.data.prepare.tokenizer_file import word_tokenizer

__all__ = ["Texts", "TextsFitted"]

WORD = words_of(joins="'", signs=r"[^\w\s]")


class Texts(Prepare):
    """Settings of the preprocessing of texts."""

    kind: Literal["texts"] = "texts"
    vocabulary_size: int = Field(20_000, ge=2, le=2**24, description="Most different words. Typical: 5,000 to 50,000.")
    length: int = Field(400, ge=1, le=2**20, description="Most words of a text; of a longer one the beginning and the end count.")
    lowercase: bool = Field(True, description="Whether capital and small letters are the same.")

    def fit(self, part: Part) -> "TextsFitted":
        """Learn the vocabulary.

        Raises:
            DataError: No text has a word.
        """
        texts = as_texts(part)
        counts: Counter[str] = Counter()
        for text in texts.texts:
            counts.update(_words(str(text), lowercase=self.lowercase))
        if not counts:
            raise no_words(texts)
        require_different(texts)
        # Of equally frequent words the alphabet decides, so that the order of the rows does not.
        chosen = sorted(counts, key=lambda word: (-counts[word], word))[: self.vocabulary_size - 1]
        return TextsFitted(tuple(chosen), self.length, self.lowercase, texts.text_column)

    def restore(self, state: Mapping[str, Any]) -> "TextsFitted":
        """Rebuild what `TextsFitted.state` returned."""
        words = take(state, "words", str)
        return TextsFitted(
            tuple(words.split("\n")), take(state, "length", Size), take(state, "lowercase", bool), take(state, "column", str)
        )


@dataclass(frozen=True)
class TextsFitted(FittedTokens):
    """Fitted preprocessing of texts.

    Attributes:
        words: By code, from code 1 on; code 0 stands for all others.
        length: Most words of a text.
        lowercase: Whether capital and small letters are the same.
        column: The column of a table that holds the texts; "" where they are not in a table.
    """

    unit: ClassVar[str] = "words"
    words: tuple[str, ...]
    length: int
    lowercase: bool
    column: str

    @property
    def vocabulary_size(self) -> int:
        """All words, and the unknown one."""
        return len(self.words) + 1

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {word: code for code, word in enumerate(self.words, start=1)}

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the codes of the words of each text."""
        codes, dtype = self._codes, code_type(self.vocabulary_size)
        found = (_words(text, lowercase=self.lowercase) for text in texts)
        return [np.fromiter((codes.get(word, UNKNOWN) for word in words), dtype, len(words)) for words in found]

    def tokenizer(self) -> str:
        """Return what makes the same words."""
        return word_tokenizer(self.words, pattern=WORD.pattern, lowercase=self.lowercase)

    def name_token(self, code: int) -> tuple[str, str]:
        """Return a word, and how its number came about."""
        if not code:
            return "(unknown)", "not among the most frequent words"
        return self.words[code - 1], f"word {code:,} of {len(self.words):,} by frequency"

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        return {"words": "\n".join(self.words), "length": self.length, "lowercase": self.lowercase, "column": self.column}

    def say(self) -> str:
        """Write vocabulary and length."""
        return f"{len(self.words):,} most frequent words, texts of at most {self.length:,}"


def _words(text: str, *, lowercase: bool) -> list[str]:
    """Return the words and signs of a text, without markup."""
    return WORD.findall(plain(text, lowercase=lowercase))
