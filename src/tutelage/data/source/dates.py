"""Text cells to dates: the way in which a column's dates are written is found out once, and later files are read by it.

A way is `iso` (2020-12-31, with a time and a zone as far as there are such), `iso+01:00` where all are that far from UTC, or
a format of `strptime` such as `%d/%m/%Y`; there `%q` is a quarter, 1 to 4.
It travels with the model, since a later file whose days are all small does not show what stands first, day or month.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["DATE", "GUESSED", "ISO", "Form", "find_form", "note_zones", "offset_of", "read_dates", "say_form", "ways_of"]

DATE = pa.timestamp("us")
"""The type of all dates and times; those of different time zones are brought to UTC."""

ISO = "iso"
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:[0-5]\d)?)?")
ISO_LIKE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}|$)"
PLAIN_ISO = r"^([1-9][0-9]{3}|0[1-9][0-9]{2})-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?$"
"""ISO dates without a zone: what Arrow reads by itself."""
ISO_ZONED = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})$"
ISO_OFFSET = re.compile(rf"{ISO}([+-])([01][0-9]|2[0-3]):([0-5][0-9])")
FIELDS = {"Y": "[1-9][0-9]{3}"} | dict.fromkeys("ymdHMS", "[0-9]{2}")
"""Fields of numbers as Arrow and Python read them alike: with all their digits."""

DATE_FORMATS = (
    "%Y-%m", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y",
    "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %Y", "%Y-%m-%d",
    "%B %Y", "%b-%y", "%b-%Y", "%b-%d-%Y", "%d-%b-%y", "%d %b %y", "%B %d %Y", "%b %d %Y", "%Y %b", "%Y-%b", "%Y/%m", "%m/%Y",
)  # fmt: skip
"""Dates other than ISO; where day and month cannot be told apart, the month comes first."""

QUARTER_FORMATS = ("%Y-Q%q", "%YQ%q", "%Y Q%q", "Q%q %Y", "Q%q-%Y")
WEEK_FORMATS = ("%G-W%V", "%GW%V")
"""Weeks of ISO 8601, which begin on a Monday."""
TIME_FORMATS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")

GUESSED = "day and month cannot be told apart; read with the month first"
NUM_SAMPLE = 20
"""Different cells that show which formats come into question."""
MAX_LENGTH = 40
"""Characters of a date."""
EXAMPLE = datetime(2020, 12, 31, 23, 59, 59)


@dataclass(frozen=True, slots=True)
class Form:
    """A way of writing dates.

    Attributes:
        text: `iso`, or a format of `strptime`.
        note: What to tell where it had to be guessed, or "".
    """

    text: str
    note: str = ""


def find_form(cells: pa.ChunkedArray, *, min_fraction: float) -> Form | None:
    """Return the way of writing dates that reads most cells, the first of equally good ones; None where none reads enough.

    Args:
        cells: Trimmed text, null where missing.
        min_fraction: Share of the cells that are not missing that must fit.
    """
    sample = _first_distinct(cells, NUM_SAMPLE)
    if not any(char.isdigit() for text in sample for char in text):
        return None
    num_odd = _count_odd(cells, ISO, min_fraction)
    if num_odd == 0 or (num_odd is not None and _read_iso(_commonest(cells))):
        return _iso_form(cells)
    counted = {form: _count_odd(cells, form, min_fraction) for form in _formats_for(sample)}
    num_odds = {form: num_odd for form, num_odd in counted.items() if num_odd is not None}
    if not num_odds:
        return None
    fewest = min(num_odds.values())
    forms = [form for form, num_odd in num_odds.items() if num_odd == fewest]
    probe = _commonest(cells) if fewest else sample[0]
    # Where the commonest cell is a word, the column is one of words.
    if not any(char.isdigit() for char in probe) or len(probe) > MAX_LENGTH:
        return None
    is_guess = len(forms) > 1 and {form[:2] for form in forms} == {"%m", "%d"}
    return Form(forms[0], GUESSED if is_guess else "")


def ways_of(text: str) -> list[str]:
    """Return all ways of writing dates in which one trimmed cell can be read; [] where it is no date."""
    return [*([ISO] if _read_iso(text) else []), *_formats_for([text])]


def read_dates(cells: pa.ChunkedArray, form: str) -> pa.ChunkedArray:
    """Read trimmed cells, null where missing, as timestamps; null where they are not written in this way."""
    return pa.chunked_array([_read_chunk(chunk, form) for chunk in cells.chunks], type=DATE)


def say_form(form: str) -> str:
    """Write a way of writing dates by an example, such as `31/12/2020`."""
    if form == ISO:
        return "2020-12-31"
    return f"2020-12-31 18:00{offset_of(form)}" if offset_of(form) else EXAMPLE.strftime(form.replace("%q", "4"))


def offset_of(form: str) -> str:
    """Return how far from UTC all times of a way are written, such as `+01:00`; "" where that is not said."""
    return form.removeprefix(ISO) if ISO_OFFSET.fullmatch(form) else ""


def note_zones(cells: pa.ChunkedArray) -> str:
    """Say that cells which are read as `iso` are brought to UTC, or ""."""
    zones = _zones(cells)
    if not zones - {"", "Z", "+00:00"} and len(zones) < 2:
        return ""
    shown = ", ".join(sorted(zone or "none" for zone in zones)[:4])
    return f"times have offsets from UTC ({shown}): taken and written as UTC"


def _iso_form(cells: pa.ChunkedArray) -> Form:
    """Return how ISO dates are written: one offset of all is kept."""
    zones = _zones(cells)
    form = ISO + min(zones) if len(zones) == 1 else ISO
    if offset_of(form) and zones != {"+00:00"}:
        return Form(form, f"all times are written with the offset {min(zones)}: it is kept")
    return Form(ISO, note_zones(cells))


def _zones(cells: pa.ChunkedArray) -> set[str]:
    """Return the different zones of ISO dates, "" for none."""
    found = set[str]()
    for chunk in cells.chunks:
        has_zone = pc.match_substring_regex(chunk, ISO_ZONED)
        if pc.any(pc.invert(has_zone)).as_py():
            found.add("")
        if pc.any(has_zone).as_py():
            zones = pc.struct_field(pc.extract_regex(chunk.filter(has_zone), ISO_ZONED), "zone")
            found.update(zones.unique().to_pylist())
    return found


def _read_chunk(cells: pa.Array, form: str) -> pa.Array:
    """Read a piece of a column: by Arrow what it reads as Python does, the rest cell by cell, each different one once."""
    is_iso = form == ISO or bool(offset_of(form))
    pattern = PLAIN_ISO if is_iso else _pattern(form)
    if not pattern:
        return _read_one_by_one(cells, form)
    is_plain = pc.match_substring_regex(cells, pattern)
    plain = pc.if_else(is_plain, cells, pa.scalar(None, cells.type))
    try:
        dates = pc.cast(plain, DATE) if is_iso else _read_plain(plain, form)
    except pa.ArrowInvalid:  # an ISO day that does not exist, such as 2024-02-31
        return _read_one_by_one(cells, form)
    if plain.null_count == cells.null_count:
        return dates
    return pc.coalesce(dates, _read_one_by_one(pc.if_else(is_plain, pa.scalar(None, cells.type), cells), form))


def _pattern(form: str) -> str:
    """Return what cells of a format look like that Arrow can read, or "" where it cannot read the format as Python does."""
    pieces = re.split("%(.)", form)
    if not set(pieces[1::2]) <= set(FIELDS):
        return ""
    pieces[1::2] = [FIELDS[field] for field in pieces[1::2]]
    return "^" + "".join(piece if index % 2 else re.escape(piece) for index, piece in enumerate(pieces)) + "$"


def _read_plain(cells: pa.Array, form: str) -> pa.Array:
    """Read cells by Arrow; it makes 3 March of 31 February, so what is not written back alike is no date."""
    dates = pc.strptime(cells, format=form, unit="us", error_is_null=True)
    again = pc.strftime(dates.cast(pa.timestamp("s")), format=form)
    return pc.if_else(pc.equal(again, cells.cast(again.type)), dates, pa.scalar(None, DATE))


def _read_one_by_one(cells: pa.Array, form: str) -> pa.Array:
    """Read each different cell."""
    is_iso = form == ISO or bool(offset_of(form))
    read: Callable[[str], datetime | None] = partial(_read_iso, zone=_zone(form)) if is_iso else partial(_strptime, form=form)
    coded = cells.dictionary_encode()
    values = pa.array([read(text) for text in coded.dictionary.to_pylist()], type=DATE)
    return values.take(coded.indices)


def _count_odd(cells: pa.ChunkedArray, form: str, min_fraction: float) -> int | None:
    """Count the cells that are not written in a way; None as soon as it is clear that these are too many."""
    present, num_odd = len(cells) - cells.null_count, 0
    for chunk in cells.chunks:
        is_unlike = pc.invert(pc.match_substring_regex(chunk, ISO_LIKE)) if form == ISO else None
        num_unlike = 0 if is_unlike is None else pc.sum(is_unlike).as_py() or 0  # cheap, since few columns are dates
        if (present - num_odd - num_unlike) / present < min_fraction:
            return None
        num_odd += int(_read_chunk(chunk, form).null_count - chunk.null_count)
        if (present - num_odd) / present < min_fraction:
            return None
    return num_odd


def _commonest(cells: pa.ChunkedArray) -> str:
    """Return the commonest cell, the first one of equally common ones."""
    counts = pc.value_counts(cells.drop_null())
    return str(counts.field("values")[int(np.argmax(counts.field("counts").to_numpy()))].as_py())


def _first_distinct(cells: pa.ChunkedArray, count: int) -> list[str]:
    """Return the first different cells."""
    found: dict[str, None] = {}
    for chunk in cells.chunks:
        for text in chunk.drop_null().unique().slice(0, count).to_pylist():
            found.setdefault(text)
            if len(found) == count:
                return list(found)
    return list(found)


def _formats_for(sample: list[str]) -> list[str]:
    """Return the formats under which at least one cell of a sample can be read."""
    forms = [date + time for date in DATE_FORMATS for time in TIME_FORMATS]
    forms += [*QUARTER_FORMATS, *WEEK_FORMATS]
    return [form for form in forms if any(_strptime(text, form=form) for text in sample)]


def _strptime(text: str, *, form: str) -> datetime | None:
    """Read a date in one format, or return None."""
    if form in QUARTER_FORMATS:
        found = re.fullmatch(form.replace("%Y", "(?P<year>[1-9][0-9]{3})").replace("%q", "(?P<quarter>[1-4])"), text)
        return datetime(int(found["year"]), 3 * int(found["quarter"]) - 2, 1) if found else None
    try:
        if form in WEEK_FORMATS:
            return datetime.strptime(f"{text}-1", f"{form}-%u")
        return datetime.strptime(text, form)
    except ValueError:
        return None


def _zone(form: str) -> timezone:
    """Return the zone to which dates of a way are brought."""
    found = ISO_OFFSET.fullmatch(form)
    if found is None:
        return UTC
    away = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-away if found[1] == "-" else away)


def _read_iso(text: str, *, zone: timezone = UTC) -> datetime | None:
    """Read an ISO date, brought to one zone if it names any, or return None."""
    if not ISO_DATE.fullmatch(text):
        return None
    try:
        date = datetime.fromisoformat(text)
        return date.astimezone(zone).replace(tzinfo=None) if date.tzinfo else date
    except (ValueError, OverflowError):  # in UTC the first hours of the year 1 may lie before it
        return None
