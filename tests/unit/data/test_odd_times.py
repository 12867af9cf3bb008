"""Times and values of tables that are not written as they should be: read where that is safe, else named with the first cell."""

from calendar import month_abbr
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.data.test_timeline_source import hour, read, rows, series
from tutelage.core.errors import DataError
from tutelage.data.source.compact_times import compact_times


def days(count: int) -> list[str]:
    return [str(np.datetime64("2022-01-20") + n) for n in range(count)]


@pytest.mark.parametrize("settings", [{}, {"time_column": "date"}])
def test_whole_numbers_that_are_dates_are_read_as_dates(settings: dict[str, str], tmp_path: Path) -> None:
    found = read(tmp_path, [f"{day.replace('-', '')},{n % 5}" for n, day in enumerate(days(60))], "date,a", **settings)
    part = series(found)
    assert (len(part), part.interval.say(), part.gaps) == (60, "1 day", ())
    assert part.say(12) == "2022-02-01"
    assert "x.csv, column date: whole numbers read as dates, such as 2022-01-20" in found.notes


def test_whole_numbers_that_are_months_are_read_as_months(tmp_path: Path) -> None:
    lines = [f"{2000 + n // 12}{n % 12 + 1:02d},{n % 7}" for n in range(60)]
    assert series(read(tmp_path, lines, "date,a")).interval.say() == "1 month"


@pytest.mark.parametrize(
    ("form", "said"),
    [("%Y%m%d%H%M%S", "2022-01-20 05:00:00"), ("%Y%m%d%H%M", "2022-01-20 05:00"), ("%Y%m%d%H", "2022-01-20 05:00")],
)
@pytest.mark.parametrize("settings", [{}, {"time_column": "timestamp"}])
def test_whole_numbers_with_hours_are_read_as_times(form: str, said: str, settings: dict[str, str], tmp_path: Path) -> None:
    begin = datetime(2022, 1, 20)
    lines = [f"{(begin + timedelta(hours=n)).strftime(form)},{n % 5}" for n in range(60)]
    part = series(read(tmp_path, lines, "timestamp,a", **settings))
    assert (len(part), part.interval.say(), part.gaps) == (60, "1 hour", ())
    assert said.startswith(part.say(5))


@pytest.mark.parametrize(
    "numbers",
    [
        [20220131, 20220132],
        [20220229],
        [1, 2, 3],
        [1990, 1991],
        [202213],
        [99999999],
        [2022013124],
        [202201311860],
        [20220131000060],
        [20220131000000, 20220201],
        [-20220131],
    ],
)
def test_other_whole_numbers_are_no_dates(numbers: list[int]) -> None:
    assert compact_times(pa.chunked_array([numbers])) is None


def test_a_time_of_day_in_a_column_of_its_own_is_no_series(tmp_path: Path) -> None:
    lines = [f"2022-01-{1 + n // 24:02d},{n % 24:02d}:00,{n % 24}" for n in range(24 * 20)]
    with pytest.raises(DataError, match=r"times of day stand in a column of their own \(time\).* Join both columns into one"):
        read(tmp_path, lines, "date,time,load")


def test_columns_that_would_be_numbers_are_named_with_their_first_odd_cell(tmp_path: Path) -> None:
    closed = [f"{hour(n)},{'closed' if n % 7 == 6 else n}" for n in range(60)]
    with pytest.raises(DataError) as caught:
        read(tmp_path, closed, "date,a")
    assert "column a, where 8 of 60 cells are no plain numbers, such as 'closed' in x.csv row 8" in str(caught.value)
    with pytest.raises(DataError, match=r"such as '\$1,000.5' in x.csv row 2"):
        read(tmp_path, [f'{hour(n)},"${n + 1000:,}.5"' for n in range(60)], "date,a")
    beside = read(tmp_path, [f"{line},{n % 5},shop {n % 3}" for n, line in enumerate(closed)], "date,a,b,c")
    assert series(beside).series == ("b",)
    assert "not forecast, since not all cells are numbers: column a, where 8 of 60" in " ".join(beside.warnings)
    assert "column c" not in " ".join(beside.warnings)


def test_a_column_of_years_is_the_time_of_a_row(tmp_path: Path) -> None:
    lines = [f"{1700 + n},{n % 11},{n % 7}" for n in range(60)]
    part = series(read(tmp_path, lines, "YEAR,a,b"))
    assert (part.series, part.interval.say(), part.say(59)) == (("a", "b"), "1 step", "1759")
    with pytest.raises(DataError, match="no column of dates"):
        read(tmp_path, [f"{n % 11},{n}" for n in range(60)], "year,a")


def test_an_index_of_dates_without_a_name_is_the_time_of_a_row(tmp_path: Path) -> None:
    found = read(tmp_path, [f"{hour(n)},{n % 5}" for n in range(60)], ",load")
    assert series(found).series == ("load",)
    assert "x.csv: column 1 has no name and holds dates: called 'time'" in found.notes


def test_several_columns_of_times_are_to_be_joined(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Join year and month into one column"):
        read(tmp_path, [f"{2000 + n // 12},{n % 12 + 1},{n % 7}" for n in range(60)], "year,month,a")
    assert series(read(tmp_path, rows())).series == ("a", "b")


@pytest.mark.parametrize(
    ("written", "step"),
    [
        ([f"{2016 + n // 52}-W{n % 52 + 1:02d}" for n in range(104)], "1 week"),
        ([f"{month_abbr[n % 12 + 1]}-1-{1995 + n // 12}" for n in range(60)], "1 month"),
        ([f"Q{n % 4 + 1} {2000 + n // 4}" for n in range(40)], "3 months"),
        ([f"{month_abbr[n % 12 + 1]}-{10 + n // 12}" for n in range(60)], "1 month"),
        ([f"01/{1 + n // 24:02d}/2022 {n % 12 or 12}:00:00 {'AM' if n % 24 < 12 else 'PM'}" for n in range(96)], "1 hour"),
    ],
    ids=["weeks", "month first", "quarters", "months", "am"],
)
def test_other_ways_to_write_times_are_read(written: list[str], step: str, tmp_path: Path) -> None:
    part = series(read(tmp_path, [f"{time},{n % 5}" for n, time in enumerate(written)], "when,a"))
    assert (len(part), part.gaps) == (len(written), ())
    assert part.interval.say() in (step, "1 quarter")


def test_columns_with_commas_in_their_names_are_forecast(tmp_path: Path) -> None:
    lines = [f"{hour(n)},{n % 5},{n % 7}" for n in range(60)]
    for target in ("auto", '"sales, total",b', "sales, total,b"):
        found = read(tmp_path, lines, 'date,"sales, total",b', target=target.replace('"', ""))
        assert series(found).series == ("sales, total", "b")
    assert series(read(tmp_path, lines, 'date,"sales, total",b', target="b")).series == ("b",)


def test_columns_that_were_named_for_something_else_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="column date: named by --known, and the only column of dates"):
        read(tmp_path, rows(), known="date")
    with pytest.raises(DataError, match="column shop: names 60 series, and none has more than one value"):
        read(tmp_path, [f"{hour(n)},s{n},{n % 7}" for n in range(60)], "date,shop,a", series_id="shop")


def test_a_single_saturday_among_working_days_is_left_out_and_told(tmp_path: Path) -> None:
    working = [str(np.busday_offset("2022-01-03", n)) for n in range(60)]
    lines = [f"{day},{n % 5}" for n, day in enumerate(sorted([*working, "2022-01-15"]))]
    found = read(tmp_path, lines, "date,a")
    part = series(found)
    assert (len(part), part.interval.say(), part.gaps) == (60, "1 working day", ())
    assert [part.say(place) for place in (9, 10)] == ["2022-01-14", "2022-01-17"]
    told = "1 row of a Saturday or Sunday, where all others are of working days: 2022-01-15 (x.csv row 12). Left out"
    assert told in " ".join(found.warnings)
    first = read(tmp_path, [f"{day},{n % 5}" for n, day in enumerate(["2022-01-01", *working])], "date,a")
    assert series(first).say(0) == "2022-01-03"
