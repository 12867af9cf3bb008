"""Cells of text become the type that all, or nearly all, of them are."""

from datetime import datetime

import pyarrow as pa
import pytest

from tutelage.data.source.cells import find_style, read_cells, trim


def column(*cells: str | None) -> pa.ChunkedArray:
    """Return cells as a column of several pieces."""
    return pa.chunked_array([cells[:1], cells[1:2], [], cells[2:]], type=pa.string())


def read(*cells: str | None, delimiter: str = ",") -> tuple[str, list[object]]:
    """Return the style of a column and its values."""
    array = column(*cells)
    style = find_style(array, delimiter=delimiter)
    return style, read_cells(array, style).values.to_pylist()


@pytest.mark.parametrize(
    ("cells", "style", "values"),
    [
        (("1", "-2", None), "integer", [1, -2, None]),
        (("999999999999999999", "0"), "integer", [999_999_999_999_999_999, 0]),
        (("1.5", "2", ".5", "5.", "-1e3"), "number", [1.5, 2.0, 0.5, 5.0, -1000.0]),
        (("+5", "1"), "number", [5.0, 1.0]),
        (("123456789012345678901", "1"), "number", [123456789012345678901.0, 1.0]),
        (("01234", "99999"), "text", ["01234", "99999"]),
        (("007", "012", "100"), "text", ["007", "012", "100"]),
        (("true", "FALSE", None), "boolean", [True, False, None]),
        (("yes", "no"), "text", ["yes", "no"]),
        ((None, None), "empty", [None, None]),
        (("a", "1"), "text", ["a", "1"]),
    ],
)
def test_a_column_is_what_its_cells_are(cells: tuple[str | None, ...], style: str, values: list[object]) -> None:
    assert read(*cells) == (style, values)


def test_commas_are_decimal_or_divide_thousands_as_the_file_suggests() -> None:
    assert read("1,5", "2", "1.234,25", delimiter=";") == ("decimal_comma", [1.5, 2.0, 1234.25])
    assert read("1,234", "12,345.5", "7") == ("thousands", [1234.0, 12345.5, 7.0])
    assert read("1,234", "5,678", delimiter=";") == ("decimal_comma", [1.234, 5.678])
    assert read("1,5", "2,25") == ("decimal_comma", [1.5, 2.25])


@pytest.mark.parametrize(
    ("cell", "date"),
    [
        ("2024-02-29", datetime(2024, 2, 29)),
        ("2024-02-29 10:30", datetime(2024, 2, 29, 10, 30)),
        ("2024-02-29T10:30:15.250", datetime(2024, 2, 29, 10, 30, 15, 250_000)),
        ("2024-02-29T10:30:00Z", datetime(2024, 2, 29, 10, 30)),
        ("2024-02-29T10:30:00+02:00", datetime(2024, 2, 29, 10, 30)),
        ("1949-01", datetime(1949, 1, 1)),
        ("2024/2/29", datetime(2024, 2, 29)),
        ("2/29/2024", datetime(2024, 2, 29)),
        ("29/02/2024 10:30", datetime(2024, 2, 29, 10, 30)),
        ("29.02.2024", datetime(2024, 2, 29)),
        ("29-Feb-2024", datetime(2024, 2, 29)),
        ("Feb 29, 2024", datetime(2024, 2, 29)),
    ],
)
def test_dates_are_read_in_iso_and_usual_forms(cell: str, date: datetime) -> None:
    assert read(cell, None) == ("date", [date, None])


def test_day_and_month_are_told_by_any_cell_and_guessed_with_a_note_otherwise() -> None:
    assert read("01/02/2024", "31/12/2023") == ("date", [datetime(2024, 2, 1), datetime(2023, 12, 31)])
    cells = column("01/02/2024", "03/04/2024")
    typed = read_cells(cells, "date")
    assert typed.values.to_pylist() == [datetime(2024, 1, 2), datetime(2024, 3, 4)]
    assert typed.note == "day and month cannot be told apart; read with the month first"


def test_impossible_dates_are_text() -> None:
    assert read("2024-02-31", "2024-13-01")[0] == "text"


def test_a_few_odd_cells_do_not_make_numbers_text() -> None:
    cells = column(*map(str, range(39)), "12a")
    assert find_style(cells, delimiter=",") == "number"
    typed = read_cells(cells, "number")
    assert typed.odd.tolist() == [39]
    assert typed.values[39].as_py() is None
    assert find_style(cells[30:], delimiter=",") == "text"


def test_infinite_cells_are_found_also_where_a_number_is_too_large() -> None:
    cells = column("1", "inf", "-Infinity", "1e999", None)
    assert read_cells(cells, find_style(cells, delimiter=",")).infinite.tolist() == [1, 2, 3]


def test_blanks_are_trimmed() -> None:
    assert trim(pa.chunked_array([[" a ", "b\t"], [" "]])).to_pylist() == ["a", "b", ""]
