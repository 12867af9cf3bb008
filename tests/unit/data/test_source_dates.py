"""Dates: read by Arrow as Python reads them, and later files by the way that was found in training."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from tutelage.data.part.table import TablePart
from tutelage.data.prepare.table import FittedTable
from tutelage.data.prepare.table import Table as PrepareTable
from tutelage.data.source.arrays import collect_arrays
from tutelage.data.source.dates import DATE_FORMATS, ISO, TIME_FORMATS, _read_one_by_one, find_form, read_dates
from tutelage.data.source.table import TableSource

DAYS_FIRST = "".join(f"{day:02}/{1 + day % 12:02}/2020,{day % 5},{'xy'[day % 2]}\n" for day in range(1, 32) if day != 31)
HEADER = "day,n,y\n"
TRAIN = HEADER + DAYS_FIRST + "31/12/2020,3,x\n"
ODD = ("31/02/2020", "29/02/2021", "1/2/2020", "2020-02-31", "0000-01-01", "12/31/2020 24:00", "31.04.20", "x", "", "99/99/9999")


@pytest.mark.parametrize("form", [ISO, *(date + time for date in DATE_FORMATS for time in TIME_FORMATS)])
def test_arrow_reads_dates_as_python_does(form: str) -> None:
    moments = [datetime(year, month, 28, 23, 5, 9) for year in (1969, 1999, 2024, 2068) for month in (1, 2, 12)]
    written = [str(moment) if form == ISO else moment.strftime(form) for moment in moments]
    cells = pa.array([*written, *ODD, None])
    expected = _read_one_by_one(cells, form).to_pylist()
    assert read_dates(pa.chunked_array([cells]), form).to_pylist() == expected
    assert expected[0] is not None


def test_a_way_of_writing_is_found_across_pieces() -> None:
    cells = pa.chunked_array([["01/02/2020"] * 20, ["03/04/2020"], ["31/12/2020"] * 19, ["x"]])
    form = find_form(cells, min_fraction=0.95)
    assert form is not None
    assert (form.text, form.note) == ("%d/%m/%Y", "")
    assert find_form(pa.chunked_array([["01/02/2020"], ["x"]]), min_fraction=0.95) is None


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p"])
def test_a_few_days_after_the_twelfth_tell_day_and_month_apart(form: str) -> None:
    moments = [datetime(2020, 1 + number // 12 % 3, 1 + number % 12) for number in range(396)] + [datetime(2020, 1, 13)] * 4
    found = find_form(pa.chunked_array([[moment.strftime(form) for moment in moments]]), min_fraction=0.95)
    assert found is not None
    assert (found.text, found.note) == (form, "")


def test_day_and_month_are_guessed_where_odd_cells_are_as_odd_either_way() -> None:
    cells = pa.chunked_array([[f"{day:02}/{month:02}/2020" for day in range(1, 13) for month in range(1, 13)] + ["unknown"]])
    found = find_form(cells, min_fraction=0.95)
    assert found is not None
    assert (found.text, found.note) == ("%m/%d/%Y", "day and month cannot be told apart; read with the month first")


def test_a_test_table_is_read_by_the_way_of_the_training_table(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TRAIN)
    (tmp_path / "test.csv").write_text(HEADER + "03/02/2020,1,x\n05/06/2020,2,y\n")
    found = TableSource(path=str(tmp_path), target="y").collect()
    assert isinstance(found.test, TablePart)
    assert found.test.column("day").to_pylist() == [datetime(2020, 2, 3), datetime(2020, 6, 5)]
    assert not any("cannot be told apart" in note for note in found.notes)


def test_dates_written_in_another_way_are_problems(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TRAIN)
    (tmp_path / "test.csv").write_text(HEADER + DAYS_FIRST + "12/31/2020,1,x\n")
    (problem,) = TableSource(path=str(tmp_path), target="y").collect().problems
    assert str(problem) == (
        "test.csv row 32, column day: '12/31/2020' is no date written as in the training data, like 31/12/2020 (%d/%m/%Y). "
        "Write the date that way, or empty the cell."
    )
    (tmp_path / "test.csv").write_text(HEADER + "2020-12-31,1,x\n2020-12-30,1,y\n")
    (problem,) = TableSource(path=str(tmp_path), target="y").collect().problems
    assert problem.found.startswith("2 of 2 cells, such as '2020-12-31' in row 2: each is no date written as in the training")


def test_the_way_of_writing_travels_with_the_fitted_preprocessing(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TRAIN)
    part = TableSource(path=str(tmp_path / "train.csv"), target="y").collect().train
    assert isinstance(part, TablePart)
    fitted = PrepareTable().restore(PrepareTable().fit(part).state())
    assert isinstance(fitted, FittedTable)
    reading = fitted.reading()
    assert (reading["kinds"], reading["dates"]) == ({"day": "date", "n": "number", "y": "text"}, {"day": "%d/%m/%Y"})
    (tmp_path / "new.csv").write_text("day,n\n03/02/2020,1\n12/31/2020,2\n")
    new, problems = TableSource(target="y", **fitted.reading()).read_input([str(tmp_path / "new.csv")])
    assert new.column("day").to_pylist() == [datetime(2020, 2, 3)]
    assert [problem.where for problem in problems] == ["new.csv row 3, column day"]


def test_dates_from_python_are_read_by_the_way_of_the_training_too() -> None:
    reading = {"kinds": {"day": "date"}, "dates": {"day": "%d/%m/%Y"}}
    found = collect_arrays({"day": ["03/02/2020", "12/31/2020", None], "n": [1, 2, 3]}, is_input=True, reading=reading)
    assert isinstance(found.train, TablePart)
    assert found.train.column("day").to_pylist() == [datetime(2020, 2, 3), None]
    assert [problem.where for problem in found.problems] == ["input data row 1, column day"]
    typed = collect_arrays({"day": [datetime(2020, 2, 3)]}, is_input=True, reading=reading).train
    assert isinstance(typed, TablePart)
    assert typed.column("day").to_pylist() == [datetime(2020, 2, 3)]


@pytest.mark.parametrize("zone", ["+01:90", "+25:00", "-99:59"])
def test_an_offset_that_there_is_not_makes_no_date(zone: str) -> None:
    cells = pa.chunked_array([[f"2020-01-31T10:00:00{zone}", "2020-01-31T10:00:00+01:59"]])
    assert read_dates(cells, ISO).to_pylist()[0] is None
    assert read_dates(cells, ISO).to_pylist()[1] == datetime(2020, 1, 31, 8, 1)
