"""Texts as numbers of their words, learned from the train part; texts of unequal length, padded batch by batch.

A word that is not among the most frequent of the train part becomes code 0. Of a long text the beginning and the end are kept.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.shape.texts import TextShape
from tutelage.core.typed import Size, take
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.part.texts import TextPart
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.data.prepare.change import Change
from tutelage.data.prepare.padding import Pad
from tutelage.data.rows.base import Rows
from tutelage.data.rows.ragged import RaggedRows, join

__all__ = ["Texts", "TextsFitted"]

WORD = re.compile(r"\w+(?:'\w+)?|[^\w\s]")
MARKUP = re.compile(r"<[a-zA-Z/][^<>]{0,200}>")
"""Tags of HTML, such as `<br />`, which many texts of the web still have in them."""
UNKNOWN = 0
HUGE = 1_000_000
"""Characters of a text that is more likely many texts in one."""
MAX_SHOWN = 5
MAX_TOLD = 12
"""Words whose numbers are told one by one."""
MULTIPLE = 8
"""Batches are padded to a multiple of this, so that there are few different shapes."""


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
        counts: Counter[str] = Counter()
        for text in _as_text(part).texts:
            counts.update(_words(str(text), lowercase=self.lowercase))
        if not counts:
            raise DataError([DataProblem(part.name, "no text has a single word in it", "Give texts with words.")])
        # Of equally frequent words the alphabet decides, so that the order of the rows does not.
        chosen = sorted(counts, key=lambda word: (-counts[word], word))[: self.vocabulary_size - 1]
        return TextsFitted(tuple(chosen), self.length, self.lowercase, part.text_column if isinstance(part, TextPart) else "")

    def restore(self, state: Mapping[str, Any]) -> "TextsFitted":
        """Rebuild what `TextsFitted.state` returned."""
        words = take(state, "words", str)
        return TextsFitted(
            tuple(words.split("\n")), take(state, "length", Size), take(state, "lowercase", bool), take(state, "column", str)
        )


@dataclass(frozen=True)
class TextsFitted(Fitted):
    """Fitted preprocessing of texts.

    Attributes:
        words: By code, from code 1 on; code 0 stands for all others.
        length: Most words of a text.
        lowercase: Whether capital and small letters are the same.
        column: The column of a table that holds the texts; "" where they are not in a table.
    """

    input_source: ClassVar[str] = "text_folder"
    takes_texts: ClassVar[bool] = True
    words: tuple[str, ...]
    length: int
    lowercase: bool
    column: str

    @property
    def shape(self) -> TextShape:
        """What a model receives."""
        return TextShape(vocabulary_size=len(self.words) + 1, length=self.length)

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {word: code for code, word in enumerate(self.words, start=1)}

    def apply(self, part: Part) -> Rows:
        """Return the codes of the words of each text; a text without words is one unknown word."""
        codes, kind = self._codes, np.uint16 if len(self.words) < 2**16 else np.int32
        pieces = []
        for text in _as_text(part).texts:
            words = cut(_words(str(text), lowercase=self.lowercase), self.length) or [""]
            pieces.append(np.fromiter((codes.get(word, UNKNOWN) for word in words), dtype=kind, count=len(words)))
        return RaggedRows({"token": join(pieces)})

    def changes(self, part: Any, row: int) -> list[Change]:
        """Return the number of each of the first words of one text."""
        words = _words(str(_as_text(part).texts[row]), lowercase=self.lowercase)
        kept = cut(words, self.length) or [""]
        lost = f"; {len(words) - len(kept):,} in the middle are left out" if len(words) > len(kept) else ""
        unknown = sum(word not in self._codes for word in kept)
        told = [Change("all words", f"{len(words):,} words", f"{len(kept):,} numbers", f"{unknown:,} of them 0 = unknown{lost}")]
        for place, word in enumerate(kept[:MAX_TOLD], start=1):
            code = self._codes.get(word, UNKNOWN)
            how = f"word {code:,} of {len(self.words):,} by frequency" if code else "not among the most frequent words"
            told.append(Change(f"word {place}", word, str(code), how))
        return told

    def finisher(self) -> nn.Module:
        """Return the module that pads texts to one length and tells what is padding."""
        return Pad("token", multiple=MULTIPLE, dtype=torch.int64)

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        return {"words": "\n".join(self.words), "length": self.length, "lowercase": self.lowercase, "column": self.column}

    def say(self) -> str:
        """Write vocabulary and length."""
        return f"{len(self.words):,} most frequent words, texts of at most {self.length:,}"

    def warnings(self, part: RowsPart) -> list[str]:
        """Return which texts are empty, and which are so long that hardly anything of them counts."""
        texts = _as_text(part).texts
        empty = [row for row, text in enumerate(texts) if not str(text).strip()]
        huge = [row for row, text in enumerate(texts) if len(text) > HUGE]
        keep = "each counts as one unknown word. Remove these rows if that is a mistake"
        cut_up = f"only the first and the last words count, {self.length:,} together. Cut them into texts of their own"
        return [
            f"{len(rows):,} texts {what} ({_some(part, rows)}): {remedy}"
            for rows, what, remedy in (
                (empty, "are empty or blank", keep),
                (huge, f"have more than {HUGE:,} characters", cut_up),
            )
            if rows
        ]

    def reading(self) -> dict[str, Any]:
        """Return the column in which a table has its texts."""
        return {"text": self.column} if self.column else {}


def cut(words: list[str], length: int) -> list[str]:
    """Return the words of a text; of one that is too long the beginning and the end.

    Example:
        >>> cut(list("abcdefg"), 4)
        ['a', 'b', 'f', 'g']
    """
    if len(words) <= length:
        return words
    tail = length // 2
    return words[: length - tail] + words[len(words) - tail :]


def _words(text: str, *, lowercase: bool) -> list[str]:
    """Return the words and signs of a text, without markup."""
    if "<" in text:
        text = MARKUP.sub(" ", text)
    return WORD.findall(text.lower() if lowercase else text)


def _some(part: RowsPart, rows: list[int]) -> str:
    """Name the first of some rows."""
    return ", ".join(part.locate(row) for row in rows[:MAX_SHOWN]) + (", ..." if len(rows) > MAX_SHOWN else "")


def _as_text(part: Part) -> TextPart:
    """Return the part if its rows are texts.

    Raises:
        DataError: They are not.
    """
    if isinstance(part, TextPart):
        return part
    raise DataError([DataProblem(part.name, "its rows are no texts", "The model was trained on texts: give it the same.")])
