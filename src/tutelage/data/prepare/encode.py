"""One encoder for each kind of table column: fitted on train cells, it turns cells into numbers and category codes.

Code 0 always means "none of the known": an unseen or rare word, a flag that is not set. Models give it a vector of
zeros, so that nothing untrained enters a prediction. Not a component.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.data.prepare import cells
from tutelage.data.prepare.scaling import Scale, fit_quantile, fit_standard, restore_scale

__all__ = [
    "BooleanEncoder", "CategoryEncoder", "DateEncoder", "Encoded", "Encoder", "NumberEncoder", "Rules", "WordsEncoder",
    "fit_boolean", "fit_category", "fit_date", "fit_number", "fit_words", "restore_encoder",
]  # fmt: skip

TOKEN = r"[^\W\d_]+"
MAX_WORDS = 16
"""Words of a text column that become flags."""
MIN_WORD_SHARE = 0.02
"""Share of train rows in which such a word must occur."""


@dataclass(frozen=True)
class Rules:
    """How columns are fitted; see the settings of `prepare/table.py`."""

    scale: str
    clip: float
    rare: int


@dataclass(frozen=True)
class Encoded:
    """A column as the model takes it.

    Attributes:
        numbers: float32 [N] each.
        codes: int64 [N] each, 0 = none of the known.
        unreadable: bool [N], cells that do not fit the column's role.
    """

    numbers: tuple[np.ndarray, ...] = ()
    codes: tuple[np.ndarray, ...] = ()
    unreadable: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))


class Encoder(Protocol):
    """A fitted column."""

    @property
    def name(self) -> str:
        """Name of the column."""

    @property
    def expected(self) -> str:
        """What its cells must be, in words, such as `a number`."""

    @property
    def number_names(self) -> tuple[str, ...]:
        """Names of the numbers it gives."""

    @property
    def code_names(self) -> tuple[str, ...]:
        """Names of the codes it gives."""

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """For each code the number of its values, 0 included."""

    def apply(self, column: pa.ChunkedArray) -> Encoded:
        """Turn cells into numbers and codes."""

    def state(self) -> dict[str, Any]:
        """Return what was fitted as JSON values; `restore_encoder` takes it back."""


@dataclass(frozen=True)
class NumberEncoder:
    """A number, scaled; where train cells were missing also a flag that says so."""

    name: str
    scale: Scale
    has_missing: bool
    missing_words: tuple[str, ...]
    expected: str = "a number"

    @property
    def number_names(self) -> tuple[str, ...]:
        """The column."""
        return (self.name,)

    @property
    def code_names(self) -> tuple[str, ...]:
        """The flag, if any."""
        return (f"{self.name} is missing",) if self.has_missing else ()

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Two for the flag."""
        return (2,) if self.has_missing else ()

    def apply(self, column: pa.ChunkedArray) -> Encoded:
        """Return the scaled number (missing: the middle) and the flag."""
        read = cells.read_numbers(column)
        unreadable = read.unreadable
        if self.missing_words and unreadable.any():
            known = pc.is_in(cells.read_words(column), value_set=pa.array(self.missing_words))
            unreadable = unreadable & ~known.to_numpy()
        flags = (np.isnan(read.values).astype(np.int64),) if self.has_missing else ()
        return Encoded((self.scale.apply(read.values),), flags, unreadable)

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "encoder": "number",
            "name": self.name,
            "scale": self.scale.state(),
            "has_missing": self.has_missing,
            "missing_words": list(self.missing_words),
        }


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
        words = cells.read_words(column)
        found = pc.fill_null(pc.index_in(words, value_set=pa.array(self.words, pa.string()), skip_nulls=True), -1).to_numpy()
        codes = np.where(found >= 0, found + 1 + self.has_missing, 0).astype(np.int64)
        if self.has_missing:
            codes[words.is_null().to_numpy()] = 1
        return Encoded(codes=(codes,), unreadable=np.zeros(len(codes), dtype=bool))

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
        read = cells.read_booleans(column)
        codes = np.nan_to_num(read.values + 1.0, nan=3.0 if self.has_missing else 0.0).astype(np.int64)
        return Encoded(codes=(codes,), unreadable=read.unreadable)

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"encoder": "boolean", "name": self.name, "has_missing": self.has_missing}


@dataclass(frozen=True)
class DateEncoder:
    """A date as several numbers: those of year, month, weekday and hour (each on a circle) and days that vary in the train rows."""

    name: str
    scales: Mapping[str, Scale]
    has_missing: bool
    expected: str = "a date such as 2024-02-28"

    @property
    def number_names(self) -> tuple[str, ...]:
        """One name per part."""
        return tuple(f"{self.name} {part}" for part in self.scales)

    @property
    def code_names(self) -> tuple[str, ...]:
        """The flag, if any."""
        return (f"{self.name} is missing",) if self.has_missing else ()

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Two for the flag."""
        return (2,) if self.has_missing else ()

    def apply(self, column: pa.ChunkedArray) -> Encoded:
        """Return the scaled parts and the flag."""
        read = cells.read_dates(column)
        parts = date_parts(read.values)
        flags = (np.isnan(read.values).astype(np.int64),) if self.has_missing else ()
        return Encoded(tuple(scale.apply(parts[part]) for part, scale in self.scales.items()), flags, read.unreadable)

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        scales = {part: scale.state() for part, scale in self.scales.items()}
        return {"encoder": "date", "name": self.name, "scales": scales, "has_missing": self.has_missing}


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
        text = pc.utf8_lower(cells.read_words(column))
        flags = []
        for word in self.words:
            hits = pc.match_substring_regex(text, rf"(^|\PL){word}($|\PL)")
            flags.append(pc.fill_null(hits, False).to_numpy().astype(np.int64))
        if self.has_missing:
            flags.append(text.is_null().to_numpy().astype(np.int64))
        return Encoded(codes=tuple(flags), unreadable=np.zeros(len(text), dtype=bool))

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"encoder": "words", "name": self.name, "words": list(self.words), "has_missing": self.has_missing}


def fit_number(name: str, column: pa.ChunkedArray, rules: Rules) -> NumberEncoder:
    """Fit a number; words among train cells are remembered as meaning "missing"."""
    read = cells.read_numbers(column)
    odd = pc.filter(cells.read_words(column), pa.array(read.unreadable)).to_pylist() if read.unreadable.any() else []
    return NumberEncoder(name, _fit_scale(read.values, rules), bool(np.isnan(read.values).any()), tuple(sorted(set(odd))))


def fit_category(name: str, column: pa.ChunkedArray, rules: Rules) -> CategoryEncoder:
    """Fit a category; words in fewer than `rules.rare` rows are left to code 0, all together."""
    words = cells.read_words(column)
    counts = [(item["counts"], item["values"]) for item in pc.value_counts(pc.drop_null(words)).to_pylist()]
    known = [word for count, word in sorted(counts, key=lambda pair: (-pair[0], pair[1])) if count >= rules.rare]
    return CategoryEncoder(name, tuple(known), words.null_count > 0)


def fit_boolean(name: str, column: pa.ChunkedArray) -> BooleanEncoder:
    """Fit yes or no."""
    return BooleanEncoder(name, bool(np.isnan(cells.read_booleans(column).values).any()))


def fit_date(name: str, column: pa.ChunkedArray, rules: Rules) -> DateEncoder:
    """Fit a date; parts that are the same in all train rows are left out."""
    days = cells.read_dates(column).values
    parts = date_parts(days)
    varying = {part: _fit_scale(values, rules) for part, values in parts.items() if np.unique(values[~np.isnan(values)]).size > 1}
    return DateEncoder(name, varying, bool(np.isnan(days).any()))


def fit_words(name: str, column: pa.ChunkedArray) -> WordsEncoder:
    """Pick the commonest words, each in at least 2 % of the rows and not in all of them."""
    import re

    text = pc.utf8_lower(cells.read_words(column)).to_pylist()
    counts = Counter(word for cell in text if cell for word in set(re.findall(TOKEN, cell)))
    enough = [(-count, word) for word, count in counts.items() if MIN_WORD_SHARE * len(text) <= count < len(text)]
    words = tuple(word for _, word in sorted(enough)[:MAX_WORDS])
    return WordsEncoder(name, words, any(cell is None for cell in text))


def date_parts(days: np.ndarray) -> dict[str, np.ndarray]:
    """Split days since 1970 (float64 [N], NaN where missing) into parts; month, weekday and hour lie on circles.

    Example:
        >>> parts = date_parts(np.array([0.25]))  # Thursday, 1 January 1970, 6 o'clock
        >>> {name: round(float(values[0]), 3) for name, values in parts.items()}  # doctest: +NORMALIZE_WHITESPACE
        {'year': 1970.0, 'days': 0.25, 'month sin': 0.0, 'month cos': 1.0, 'weekday sin': 0.434, 'weekday cos': -0.901,
         'hour sin': 1.0, 'hour cos': 0.0}
    """
    missing = np.isnan(days)
    whole = np.floor(np.where(missing, 0.0, days)).astype("datetime64[D]")
    month = whole.astype("datetime64[M]").astype(np.int64)
    weekday = (whole.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    parts = {"year": (1970 + month // 12).astype(np.float64), "days": days}
    for name, turn in (("month", month % 12 / 12), ("weekday", weekday / 7), ("hour", days % 1.0)):
        parts[f"{name} sin"] = np.sin(2 * np.pi * turn)
        parts[f"{name} cos"] = np.cos(2 * np.pi * turn)
    return {name: np.where(missing, np.nan, values) for name, values in parts.items()}


def restore_encoder(state: Mapping[str, Any]) -> Encoder:
    """Rebuild what an encoder's `state` returned."""
    name, has_missing = state["name"], state["has_missing"]
    match state["encoder"]:
        case "number":
            return NumberEncoder(name, restore_scale(state["scale"]), has_missing, tuple(state["missing_words"]))
        case "category":
            return CategoryEncoder(name, tuple(state["words"]), has_missing)
        case "boolean":
            return BooleanEncoder(name, has_missing)
        case "date":
            return DateEncoder(name, {part: restore_scale(scale) for part, scale in state["scales"].items()}, has_missing)
        case "words":
            return WordsEncoder(name, tuple(state["words"]), has_missing)
    raise ValueError(f"unknown column encoder {state['encoder']!r}")


def _fit_scale(values: np.ndarray, rules: Rules) -> Scale:
    """Fit the scale that the rules ask for."""
    fit = fit_quantile if rules.scale == "quantile" else fit_standard
    return fit(values, clip=rules.clip)
