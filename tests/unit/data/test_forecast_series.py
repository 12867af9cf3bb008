"""Which columns of numbers are forecast: not those that only number the rows; of those of 0 and 1 it is asked."""

from pathlib import Path

import pytest

from tests.unit.data.test_timeline_source import hour, read, series
from tutelage.data.source.timeline import Timeline

HEADER = "id,date,holiday,sold"


def table(count: int = 60, *, first: int = 1, step: int = 1) -> list[str]:
    return [f"{first + step * n},{hour(n)},{int(n % 7 == 0)},{(7 * n) % 11}" for n in range(count)]


@pytest.mark.parametrize("step", [1, 10, -1])
def test_a_running_number_is_not_forecast_and_told(step: int, tmp_path: Path) -> None:
    found = read(tmp_path, table(first=1_000, step=step), HEADER)
    assert series(found).series == ("holiday", "sold")
    (note,) = [note for note in found.notes if "number the rows" in note]
    assert "id" in note
    assert "--target holiday,sold,id" in note
    assert series(read(tmp_path, table(), HEADER, target="holiday,sold,id")).series == ("holiday", "sold", "id")


def test_a_count_of_another_name_is_one_only_where_it_grows_evenly(tmp_path: Path) -> None:
    assert series(read(tmp_path, table(), "n,date,holiday,sold")).series == ("holiday", "sold")
    meter = [f"{n + n // 7},{hour(n)},{int(n % 7 == 0)},{(7 * n) % 11}" for n in range(60)]
    assert series(read(tmp_path, meter, "meter,date,holiday,sold")).series == ("meter", "holiday", "sold")
    assert series(read(tmp_path, meter, "id,date,holiday,sold")).series == ("holiday", "sold"), "ids may leave some out"


def test_a_count_that_is_all_there_is_is_forecast(tmp_path: Path) -> None:
    lines = [f"{hour(n)},{n}" for n in range(60)]
    assert series(read(tmp_path, lines, "date,id")).series == ("id",)


@pytest.mark.parametrize("by_series", [True, False])
def test_rows_are_numbered_by_series_or_all_of_them(by_series: bool, tmp_path: Path) -> None:
    lines = [
        f"{n if by_series else 30 * s + n},{hour(n)},{shop},{(7 * n + s) % 11}" for s, shop in enumerate("xy") for n in range(30)
    ]
    assert series(read(tmp_path, lines, "n,date,shop,sold", series_id="shop")).series == ("x", "y")


def test_a_series_of_0_and_1_is_warned_of_with_both_remedies(tmp_path: Path) -> None:
    (warning,) = read(tmp_path, table(), HEADER).warnings
    assert "only 0 and 1: holiday" in warning
    assert "--known holiday" in warning
    assert "--target sold" in warning
    assert not read(tmp_path, table(), HEADER, target="holiday,sold").warnings
    assert not read(tmp_path, table(), HEADER, known="holiday").warnings
    assert not read(tmp_path, [f"{hour(n)},{n % 2}" for n in range(60)], "date,on").warnings


def test_a_test_table_has_the_series_of_the_training_whatever_its_own_columns_look_like(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("\n".join([HEADER, *table(), ""]), encoding="utf-8")
    later = [f"{n * n},{hour(60 + n)},0,{n % 3}" for n in range(30)]
    (tmp_path / "later.csv").write_text("\n".join([HEADER, *later, ""]), encoding="utf-8")
    found = Timeline(path=str(tmp_path / "train.csv"), test=str(tmp_path / "later.csv")).collect()
    assert series(found).series == ("holiday", "sold")
    assert len(found.warnings) == 2, "holiday is asked of once, and never changes in the test part"
