"""A table's columns inside an exported graph: numbers scaled, words looked up, dates taken apart; missing cells as in training.

Numbers are computed with in float64, as in training, and given out as float32.

Shape letters: B rows, K knots, P words of a column of texts.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from tutelage.data.part.base import RowsPart
from tutelage.data.part.table import TablePart
from tutelage.data.prepare.cells import FALSE_WORDS, TRUE_WORDS, read_dates, read_numbers, read_words
from tutelage.data.prepare.encode_numbers import DateEncoder, NumberEncoder
from tutelage.data.prepare.encode_words import BooleanEncoder, CategoryEncoder, WordsEncoder
from tutelage.data.prepare.encoded import Encoder
from tutelage.data.prepare.intake import Feed, Intake, RawInput, row_batches
from tutelage.data.prepare.normal_quantile import normal_quantile
from tutelage.data.prepare.scaling import Scale, StandardScale
from tutelage.data.prepare.spellings import among_others, one_of
from tutelage.data.source.cells import MISSING

__all__ = ["TableIntake"]

DAYS_OF_ERA, YEARS_OF_ERA = 146_097, 400
"""The Gregorian calendar comes again after so many days and years."""
EPOCH = 719_468
"""Days from 1 March of year 0 to 1 January 1970."""


@dataclass(frozen=True)
class TableIntake(Intake):
    """The columns in use.

    Attributes:
        encoders: Their fitted encoders, in order.
        check: Refuses parts that do not fit.
    """

    encoders: tuple[Encoder, ...]
    check: Callable[[TablePart], object]

    @property
    def inputs(self) -> tuple[RawInput, ...]:
        """One for each column."""
        return tuple(_input(encoder) for encoder in self.encoders)

    def module(self) -> nn.Module:
        """Return the module that scales and looks up."""
        return Encode(self.encoders)

    def feed(self, part: RowsPart) -> Feed:
        """Yield cells: float64 (NaN where missing, dates as days since 1970), or words (empty where missing)."""
        assert isinstance(part, TablePart)
        self.check(part)
        for rows in row_batches(len(part)):
            start, count = int(rows[0]), len(rows)
            yield rows, {one.name: _cells(one, part.column(one.name).slice(start, count)) for one in self.encoders}

    def recipe(self) -> dict[str, Any]:
        """Return what is done to the cells of a text file before they are handed over."""
        if all(isinstance(encoder, NumberEncoder) for encoder in self.encoders):
            return {}
        rule = "blanks around a cell are cut off; it is missing where it then is one of these"
        return {"cells": {"missing": list(MISSING), "rule": rule}}


def _input(encoder: Encoder) -> RawInput:
    """Return what is handed over of a column."""
    if isinstance(encoder, NumberEncoder):
        return RawInput(encoder.name, "float64", (), "a number; NaN where it is missing")
    if isinstance(encoder, DateEncoder):
        return RawInput(encoder.name, "float64", (), "days since 1970-01-01, the time of day as a fraction; NaN where missing")
    empty = "; empty where it is missing"
    if isinstance(encoder, CategoryEncoder):
        codes = {word: code for code, word in enumerate(encoder.words, start=1 + encoder.has_missing)}
        told = f"a word without blanks around it, whole numbers without a point{empty}"
        # Where train cells were missing, an empty word is a missing cell, whatever else it may have been among the words.
        return RawInput(encoder.name, "int64", (), told, words=codes | {"": 1 if encoder.has_missing else codes.get("", 0)})
    if isinstance(encoder, BooleanEncoder):
        either = (one_of(*FALSE_WORDS), one_of(*TRUE_WORDS))
        return RawInput(encoder.name, "int64", (), f"true or false{empty}", patterns=either)
    assert isinstance(encoder, WordsEncoder)
    patterns = (*map(among_others, encoder.words), *([""] if encoder.has_missing else []))
    return RawInput(encoder.name, "int64", (), f"a text{empty}", patterns=patterns)


def _cells(encoder: Encoder, column: pa.ChunkedArray) -> np.ndarray:
    """Return cells as they are handed over."""
    if isinstance(encoder, NumberEncoder):
        return read_numbers(column).values
    if isinstance(encoder, DateEncoder):
        return read_dates(column).values
    return np.array(read_words(column).fill_null("").to_pylist(), dtype=object)


class Encode(nn.Module):
    """Raw cells by column to `number` float32 [B, F] and `category` int64 [B, K]."""

    def __init__(self, encoders: tuple[Encoder, ...]) -> None:
        super().__init__()
        self.names = [encoder.name for encoder in encoders]
        self.columns = nn.ModuleList(_column(encoder) for encoder in encoders)
        self.has_one = [encoder.name for encoder in encoders][:1]

    def forward(self, raw: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the raw tensors, and both."""
        numbers, codes = list[Tensor](), list[Tensor]()
        for name, column in zip(self.names, self.columns, strict=True):
            more, flags = column(raw[name])
            numbers += more
            codes += flags
        rows = raw[self.names[0]]
        number = torch.stack(numbers, dim=1).float() if numbers else torch.zeros(rows.shape[0], 0)
        category = torch.stack(codes, dim=1) if codes else torch.zeros(rows.shape[0], 0, dtype=torch.int64)
        return {**raw, "number": number, "category": category}


class _Numbers(nn.Module):
    """Scaled numbers of one column, and the flag of missing cells."""

    def __init__(self, scales: tuple[tuple[str, Scale], ...], *, has_missing: bool) -> None:
        super().__init__()
        self.parts = [part for part, _ in scales]
        self.scales = nn.ModuleList(_Scaled(scale) for _, scale in scales)
        self.has_missing = has_missing

    def forward(self, value_B: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return numbers and codes."""
        is_missing_B = torch.isnan(value_B)
        known_B = torch.where(is_missing_B, 0.0, value_B)
        parts = [
            scale(_date_part(known_B, part) if part else known_B) for part, scale in zip(self.parts, self.scales, strict=True)
        ]
        return [torch.where(is_missing_B, 0.0, part) for part in parts], [is_missing_B.long()] if self.has_missing else []


class _Codes(nn.Module):
    """Codes that were looked up before."""

    def forward(self, codes: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return int64 [B] each; of flags [B, P] one for each."""
        return [], [codes] if codes.dim() == 1 else list(codes.unbind(dim=1))


class _YesOrNo(nn.Module):
    """Whether a cell says no, and whether it says yes, as the code of `BooleanEncoder`."""

    def __init__(self, *, has_missing: bool) -> None:
        super().__init__()
        self.neither = 3 if has_missing else 0

    def forward(self, flags_B2: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return int64 [B]."""
        no_B, yes_B = flags_B2.unbind(dim=1)
        return [], [no_B + 2 * yes_B + self.neither * (1 - no_B - yes_B)]


def _column(encoder: Encoder) -> nn.Module:
    """Return what is done to one column's input."""
    if isinstance(encoder, NumberEncoder):
        return _Numbers((("", encoder.scale),), has_missing=encoder.has_missing)
    if isinstance(encoder, DateEncoder):
        return _Numbers(tuple(encoder.scales.items()), has_missing=encoder.has_missing)
    if isinstance(encoder, BooleanEncoder):
        return _YesOrNo(has_missing=encoder.has_missing)
    return _Codes()


class _Scaled(nn.Module):
    """A fitted scale, float64 [B] to float64 [B]."""

    knots: Tensor

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        self.clip = scale.clip
        self.standard = (scale.mean, scale.deviation) if isinstance(scale, StandardScale) else None
        knots = torch.tensor([] if isinstance(scale, StandardScale) else scale.knots, dtype=torch.float64)
        self.register_buffer("knots", knots, persistent=False)

    def forward(self, value_B: Tensor) -> Tensor:
        """Return the scaled numbers, within the clip."""
        if self.standard is not None:
            mean, deviation = self.standard
            return torch.clamp((value_B - mean) / deviation, -self.clip, self.clip)
        knots_K = self.knots
        rank_B = 0.5 * (_interpolated(value_B, knots_K) + 1 - _interpolated(-value_B, -knots_K.flip(0)))
        return torch.clamp(normal_quantile(rank_B), -self.clip, self.clip)


def _interpolated(value_B: Tensor, knots_K: Tensor) -> Tensor:
    """Return ranks 0..1 of values among knots, as numpy's `interp`: at a tie the last knot counts."""
    last = knots_K.shape[0] - 1
    place_B = (value_B[:, None] >= knots_K).sum(dim=1) - 1
    low_B = place_B.clamp(0, max(0, last - 1))
    left_B, right_B = knots_K[low_B], knots_K[low_B + 1]
    width_B = right_B - left_B
    share_B = (value_B - left_B) / torch.where(width_B > 0, width_B, 1.0)
    rank_B = (low_B + share_B) / last
    return torch.where(place_B < 0, 0.0, torch.where(place_B >= last, 1.0, rank_B))


def _date_part(day_B: Tensor, part: str) -> Tensor:
    """Return one part of days since 1970, as `encode_numbers.date_part`."""
    if part == "days":
        return day_B
    whole_B = torch.floor(day_B)
    unit, _, wave = part.partition(" ")
    if unit == "weekday":
        turn_B = torch.remainder(whole_B + 3, 7) / 7
    elif unit == "hour":
        turn_B = day_B - whole_B
    else:
        year_B, month_B = _civil(whole_B)
        if unit == "year":
            return year_B
        turn_B = month_B / 12
    return torch.sin(2 * math.pi * turn_B) if wave == "sin" else torch.cos(2 * math.pi * turn_B)


def _civil(day_B: Tensor) -> tuple[Tensor, Tensor]:
    """Return year, and month from 0, of days since 1970: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"."""
    shifted_B = day_B + EPOCH
    era_B = torch.floor(shifted_B / DAYS_OF_ERA)
    day_of_era_B = shifted_B - era_B * DAYS_OF_ERA
    lost_B = torch.floor(day_of_era_B / 1460) - torch.floor(day_of_era_B / 36_524) + torch.floor(day_of_era_B / 146_096)
    year_of_era_B = torch.floor((day_of_era_B - lost_B) / 365)
    begun_B = 365 * year_of_era_B + torch.floor(year_of_era_B / 4) - torch.floor(year_of_era_B / 100)
    from_march_B = torch.floor((5 * (day_of_era_B - begun_B) + 2) / 153)
    is_late_B = from_march_B >= 10
    year_B = year_of_era_B + era_B * YEARS_OF_ERA + is_late_B.double()
    return year_B, torch.where(is_late_B, from_march_B - 10, from_march_B + 2)
