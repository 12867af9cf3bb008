"""How rows arrive over HTTP, by what the model takes, and how they are handed to it; nothing that arrives is ever a path."""

import base64
import binascii
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np

from tutelage.core.errors import UsageError
from tutelage.data.source.decode import count_pixels

__all__ = ["FORMS", "Form"]

MOST_PIXELS = 256_000_000
"""Width x height of all pictures of one request: some of a camera's, or ten thousand small ones."""


class Form:
    """What one row looks like in JSON.

    Attributes:
        noun: What a row is called.
        schema: Of one row, as OpenAPI says it.
        example: One row.
    """

    noun: ClassVar[str]
    schema: ClassVar[dict[str, Any]]
    example: ClassVar[Any]

    def check(self, row: Any) -> None:
        """Refuse a row that is not of this form.

        Raises:
            UsageError: It is not; with what was found.
        """
        raise NotImplementedError

    def check_all(self, rows: Sequence[Any]) -> None:
        """Refuse rows of which one is not of this form, or that are too much together.

        Raises:
            UsageError: They are not; with the number of the row, from 0 as in the list, and what was found.
        """
        for number, row in enumerate(rows):
            try:
                self.check(row)
            except UsageError as error:
                raise UsageError(f"row {number}: {error}") from None

    def key(self, rows: Sequence[Any]) -> Hashable:
        """Return what has to be equal of requests that are answered together."""
        return ""

    @contextmanager
    def source(self, rows: Sequence[Any]) -> Iterator[Any]:
        """Give what `Run.prediction` takes, for as long as it is entered."""
        raise NotImplementedError
        yield


class Texts(Form):
    """A text."""

    noun: ClassVar[str] = "text"
    example: ClassVar[Any] = "A text."
    schema: ClassVar[dict[str, Any]] = {"type": "string"}

    def check(self, row: Any) -> None:
        """Take strings."""
        if not isinstance(row, str):
            raise UsageError(f"{_found(row)}, where a text is expected.")

    @contextmanager
    def source(self, rows: Sequence[Any]) -> Iterator[Any]:
        """Give an array: a list of str could be paths."""
        held = np.empty(len(rows), dtype=object)
        held[:] = rows
        yield held


class Cells(Form):
    """A row of a table."""

    noun: ClassVar[str] = "row"
    example: ClassVar[Any] = {"COLUMN": 1, "ANOTHER": "word"}
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
    }

    def check(self, row: Any) -> None:
        """Take objects of plain cells."""
        if not isinstance(row, dict) or not row:
            raise UsageError(f'{_found(row)}, where an object with a cell for each column is expected, such as {{"age": 31}}.')
        odd = next((name for name, cell in row.items() if not isinstance(cell, str | int | float | bool | None)), None)
        if odd is not None:
            raise UsageError(f"column {odd!r}: {_found(row[odd])}, where a number, a word or null is expected.")

    def key(self, rows: Sequence[Any]) -> Hashable:
        """Return the columns: a missing one must not become a missing cell."""
        return frozenset(rows[0])

    @contextmanager
    def source(self, rows: Sequence[Any]) -> Iterator[Any]:
        """Give columns."""
        names = list(rows[0])
        for number, row in enumerate(rows):
            if set(row) != set(names):
                raise UsageError(f"row {number} has other columns than row 0: give the same columns in all rows.")
        yield {name: _alike([row[name] for row in rows]) for name in names}


class Pictures(Form):
    """A picture."""

    noun: ClassVar[str] = "picture"
    example: ClassVar[Any] = "BASE64 OF AN IMAGE FILE"
    schema: ClassVar[dict[str, Any]] = {"type": "string", "contentEncoding": "base64", "description": "an image file"}

    def check(self, row: Any) -> None:
        """Take image files as base64."""
        if not isinstance(row, str):
            raise UsageError(f"{_found(row)}, where an image file as base64 is expected.")
        _decoded(row)

    def check_all(self, rows: Sequence[Any]) -> None:
        """Refuse small files that are too many pixels to decode: their headers tell before that is done."""
        super().check_all(rows)
        total = sum(count_pixels(_decoded(row)) for row in rows)
        if total > MOST_PIXELS:
            raise UsageError(f"{total:,} pixels in {len(rows):,} pictures, where {MOST_PIXELS:,} at most are taken: send fewer.")

    @contextmanager
    def source(self, rows: Sequence[Any]) -> Iterator[Any]:
        """Give files, for a while."""
        with TemporaryDirectory(prefix="tutelage-serve-") as folder:
            paths = [Path(folder) / f"picture-{number:06}" for number in range(len(rows))]
            for path, row in zip(paths, rows, strict=True):
                path.write_bytes(_decoded(row))
            yield paths


class Numbers(Form):
    """Numbers, nested as the rows of the training."""

    noun: ClassVar[str] = "numbers"
    example: ClassVar[Any] = [0.1, 0.4, 0.3]
    schema: ClassVar[dict[str, Any]] = {"type": "array", "items": {}}

    def check(self, row: Any) -> None:
        """Take lists of numbers."""
        if not isinstance(row, list) or not row:
            raise UsageError(f"{_found(row)}, where a list of numbers is expected.")
        _numbers(row)

    def key(self, rows: Sequence[Any]) -> Hashable:
        """Return the sizes of the first row, and of what kind its numbers are: whole ones may be read otherwise."""
        first = _numbers(rows[0])
        return first.shape, first.dtype.kind

    @contextmanager
    def source(self, rows: Sequence[Any]) -> Iterator[Any]:
        """Give an array."""
        made = [_numbers(row) for row in rows]
        other = next((number for number, row in enumerate(made) if row.shape != made[0].shape), None)
        if other is not None:
            raise UsageError(f"row {other} has the sizes {made[other].shape}, where row 0 has {made[0].shape}.")
        yield np.stack(made)


class SeriesForm(Numbers):
    """A series: numbers, or a list of numbers at each time; null where one is missing."""

    noun: ClassVar[str] = "series"

    def key(self, rows: Sequence[Any]) -> Hashable:
        """Return how many numbers there are at a time."""
        return _numbers(rows[0]).shape[1:]

    @contextmanager
    def source(self, rows: Sequence[Any]) -> Iterator[Any]:
        """Give arrays [T, C]."""
        made = [np.asarray(row, dtype=np.float64) for row in rows]
        yield [values[:, None] if values.ndim == 1 else values for values in made]


FORMS: dict[str, type[Form]] = {
    "text": Texts, "row": Cells, "picture": Pictures, "numbers": Numbers, "series": SeriesForm,
}  # fmt: skip
"""By what a preprocessing says of its rows."""


def _decoded(text: str) -> bytes:
    """Return the bytes of an image file; a data address of a browser is taken too."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError("the picture is no base64.") from None
    if not found:
        raise UsageError("the picture is empty.")
    return found


def _numbers(row: Any) -> np.ndarray:
    """Return nested lists of numbers as an array: of whole numbers where all are, else float64 with NaN for null.

    Raises:
        UsageError: They hold anything else, lists of other lengths, or numbers that are too large.
    """
    try:
        found = np.asarray(row)
        if found.dtype.kind == "O":  # null, or whole numbers of any size
            found = found.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        found = np.empty(0, dtype=str)
    if found.dtype.kind not in "biuf":
        raise UsageError(f"{_found(row)}, where numbers are expected (below 1.8e308), in lists of equal length.")
    return found


def _alike(cells: list[Any]) -> list[Any]:
    """Return the cells of a column, all as text where any is: so is what people type read, as the cells of a file are."""
    return [_text(cell) for cell in cells] if any(isinstance(cell, str) for cell in cells) else cells


def _text(cell: Any) -> str | None:
    """Return a cell as a file would have it, a whole number without a point: who else asks must not change what it means."""
    if cell is None or isinstance(cell, str):
        return cell
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _found(value: Any) -> str:
    """Name what was found."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return f"found {names.get(type(value), 'null')}"
