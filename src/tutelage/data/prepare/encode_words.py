"""Encoders of columns of words: categories, yes or no, and short texts by their common words.

Not a component.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.data.prepare.cells import read_booleans, read_words
from tutelage.data.prepare.encoded import Encoded, Rules

__all__ = [
    "BooleanEncoder", "CategoryEncoder", "WordsEncoder", "fit_boolean", "fit_category", "fit_words",
]  # fmt: skip

TOKEN = re.compile(r"[^\W\d_]+")
MAX_WORDS = 16
"""Words of a text column that become flags."""
PIECE_ROWS = 2**16
"""Rows that are held as Python strings at a time."""
MIN_WORD_FRACTION = 0.02
"""Share of train rows in which such a word must occur."""


@dataclass(frozen=True)
class CategoryEncoder:
    """A word as its code: 1 = missing where train cells were missing, then the known words by falling count."""

    name: str
    words: tuple[str, ...]
    has_missing: bool
    expected: str = "a word"
    number_names: tuple[str, ...] = ()

    @property
    def code_names(self) -> tuple[str, ...]:
        """The column."""
        return (self.name,)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Known words, missing, and none of the known."""
        return (1 + self.has_missing + len(self.words),)

    def apply(self, column: pa.ChunkedArray) -> Encoded:
        """Return the codes; a missing cell is code 0 where the train rows had none."""
        words = read_words(column)
        found = pc.fill_null(pc.index_in(words, value_set=pa.array(self.words, pa.string()), skip_nulls=True), -1).to_numpy()
        codes = np.where(found >= 0, found + 1 + self.has_missing, 0).astype(np.int64)
        if self.has_missing:
            codes[words.is_null().to_numpy()] = 1
        return Encoded(codes=(codes,), unreadable=np.zeros(len(codes), dtype=bool))

    def how(self, cell: pa.ChunkedArray) -> str:
        """Say which code one word has."""
        code, known = int(self.apply(cell).codes[0][0]), len(self.words)
        if code == 0:
            return "code 0: none of the words known from the train rows"
        if self.has_missing and code == 1:
            return "code 1: missing"
        return f"word {code - self.has_missing} of the {known:,} known ones, the most frequent first"

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"encoder": "category", "name": self.name, "words": list(self.words), "has_missing": self.has_missing}


@dataclass(frozen=True)
class BooleanEncoder:
    """Yes or no: code 1 = no, 2 = yes, 3 = missing where train cells were missing."""

    name: str
    has_missing: bool
    expected: str = "true or false"
    number_names: tuple[str, ...] = ()

    @property
    def code_names(self) -> tuple[str, ...]:
        """The column."""
        return (self.name,)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """None, no, yes, and missing."""
        return (3 + self.has_missing,)

    def apply(self, column: pa.ChunkedArray) -> Encoded:
        """Return the codes."""
        read = read_booleans(column)
        codes = np.nan_to_num(read.values + 1.0, nan=3.0 if self.has_missing else 0.0).astype(np.int64)
        return Encoded(codes=(codes,), unreadable=read.unreadable)

    def how(self, cell: pa.ChunkedArray) -> str:
        """Say what the codes mean."""
        return "1 = no, 2 = yes" + (", 3 = missing" if self.has_missing else "")

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"encoder": "boolean", "name": self.name, "has_missing": self.has_missing}


@dataclass(frozen=True)
class WordsEncoder:
    """Short texts that nearly all differ, as flags: does the word occur, is the cell missing."""

    name: str
    words: tuple[str, ...]
    has_missing: bool
    expected: str = "a text"
    number_names: tuple[str, ...] = ()

    @property
    def code_names(self) -> tuple[str, ...]:
        """One name per flag."""
        flags = tuple(f"{self.name} has {word!r}" for word in self.words)
        return (*flags, f"{self.name} is missing") if self.has_missing else flags

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Two per flag."""
        return (2,) * (len(self.words) + self.has_missing)

    def apply(self, column: pa.ChunkedArray) -> Encoded:
        """Return one flag per word, and the one for missing cells."""
        text = pc.utf8_lower(read_words(column))
        flags = []
        for word in self.words:
            hits = pc.match_substring_regex(text, rf"(^|\PL){word}($|\PL)")
            flags.append(pc.fill_null(hits, False).to_numpy().astype(np.int64))
        if self.has_missing:
            flags.append(text.is_null().to_numpy().astype(np.int64))
        return Encoded(codes=tuple(flags), unreadable=np.zeros(len(text), dtype=bool))

    def how(self, cell: pa.ChunkedArray) -> str:
        """Name the words that occur."""
        flags = zip(self.words, self.apply(cell).codes, strict=False)
        found = [word for word, flag in flags if flag[0]]
        return f"{len(self.words):,} flags, one a common word; set: {', '.join(found) or 'none'}"

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"encoder": "words", "name": self.name, "words": list(self.words), "has_missing": self.has_missing}


def fit_category(name: str, column: pa.ChunkedArray, rules: Rules) -> CategoryEncoder:
    """Fit a category; words in fewer than `rules.rare` rows are left to code 0, all together."""
    words = read_words(column)
    counts = [(item["counts"], item["values"]) for item in pc.value_counts(pc.drop_null(words)).to_pylist()]
    known = [word for count, word in sorted(counts, key=lambda pair: (-pair[0], pair[1])) if count >= rules.rare]
    return CategoryEncoder(name, tuple(known), words.null_count > 0)


def fit_boolean(name: str, column: pa.ChunkedArray) -> BooleanEncoder:
    """Fit yes or no."""
    return BooleanEncoder(name, bool(np.isnan(read_booleans(column).values).any()))


def fit_words(name: str, column: pa.ChunkedArray) -> WordsEncoder:
    """Pick the commonest words, each in at least 2 % of the rows and not in all of them."""
    text = pc.utf8_lower(read_words(column))
    counts: Counter[str] = Counter()
    for start in range(0, len(text), PIECE_ROWS):
        cells = text.slice(start, PIECE_ROWS).to_pylist()
        counts.update(word for cell in cells if cell for word in set(TOKEN.findall(cell)))
    enough = [(-count, word) for word, count in counts.items() if MIN_WORD_FRACTION * len(text) <= count < len(text)]
    words = tuple(word for _, word in sorted(enough)[:MAX_WORDS])
    return WordsEncoder(name, words, text.null_count > 0)
