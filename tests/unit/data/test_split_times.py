"""Times in several columns are to be joined, and only a column whose values have regular series names series."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.data.test_timeline_source import read
from tutelage.core.errors import DataError


def problem(folder: Path, lines: list[str], header: str, **settings: object) -> str:
    with pytest.raises(DataError) as error:
        read(folder, lines, header=header, **settings)
    assert len(error.value.problems) == 1
    return str(error.value)


def test_a_day_and_its_hour_are_to_be_joined(tmp_path: Path) -> None:
    lines = [f"2024-01-{day + 1:02},{hour},{day + hour}" for day in range(20) for hour in range(24)]
    said = problem(tmp_path, lines, "day,hour,load")
    assert (
        "Join day and hour into one column, written like 2020-12-31 18:00 (the first row has day 2024-01-01 and hour 0)" in said
    )
    assert "--series-id" not in said


@pytest.mark.parametrize("settings", [{}, {"time_column": "Year"}])
def test_a_year_and_its_month_are_to_be_joined(tmp_path: Path, settings: dict[str, str]) -> None:
    lines = [f"{year},{month},{year * month % 17}" for year in range(1990, 2010) for month in range(1, 13)]
    said = problem(tmp_path, lines, "Year,Month,sold", **settings)
    assert "Join Year and Month into one column, written like 2020-12 (the first row has Year 1990 and Month 1)" in said


def test_year_month_day_and_hour_are_to_be_joined(tmp_path: Path) -> None:
    lines = [f"2024,1,{day},{hour},{(day + hour) % 7}" for day in range(1, 20) for hour in range(24)]
    said = problem(tmp_path, lines, "year,month,day,hour,load")
    assert "Join year, month, day and hour into one column, written like 2020-12-31 18:00" in said


def test_hours_that_are_too_many_are_no_half_of_a_time(tmp_path: Path) -> None:
    lines = [f"2024-01-{day + 1:02},{hour},{day + hour % 5}" for day in range(20) for hour in range(30)]
    assert "--series-id hour" in problem(tmp_path, lines, "day,hour,load")


def test_a_column_names_series_only_if_each_has_a_regular_one(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    reading = [random.choice(50, 10, replace=False) for _ in range(60)]
    lines = [f"{np.datetime64('2024-01-01') + n},{code},{code % 7}.5" for n, codes in enumerate(reading) for code in codes]
    found = read(tmp_path, lines, header="day,batch,load")
    assert len(found.problems) == 540
    assert not any("--series-id batch" in problem.remedy for problem in found.problems)


def test_shops_with_numbers_are_still_series(tmp_path: Path) -> None:
    lines = [f"{np.datetime64('2024-01-01') + n},{shop},{n + shop}.5" for shop in range(5) for n in range(40 + 3 * shop)]
    assert "--series-id shop" in problem(tmp_path, lines, "day,shop,load")
