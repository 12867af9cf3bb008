"""Tables of series with times: what is found out, and what is refused before training, each with where and what to do."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tutelage.core.errors import DataError
from tutelage.data.part.interval import Interval
from tutelage.data.part.timeline import TimelinePart
from tutelage.data.source.arrays import collect_arrays
from tutelage.data.source.base import Collected
from tutelage.data.source.timeline import Timeline


def hour(number: int) -> str:
    return str(np.datetime64("2024-01-01T00", "m") + 60 * number).replace("T", " ")


def rows(count: int = 60) -> list[str]:
    return [f"{hour(n)},{n % 24},{(7 * n) % 11}" for n in range(count)]


def read(folder: Path, lines: list[str], header: str = "date,a,b", **settings: object) -> Collected:
    (folder / "x.csv").write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return Timeline(path=str(folder / "x.csv"), **settings).collect()


def series(collected: Collected) -> TimelinePart:
    assert isinstance(collected.train, TimelinePart)
    return collected.train


def test_dates_and_series_are_found(tmp_path: Path) -> None:
    found = read(tmp_path, rows())
    part = series(found)
    assert part.series == ("a", "b")
    assert part.interval.say() == "1 hour"
    assert len(part) == 60
    assert found.problems == ()
    assert part.say(3) == "2024-01-01 03:00"


def test_hours_of_days_before_the_month_are_read_where_the_last_day_alone_tells_the_order(tmp_path: Path) -> None:
    moments = [datetime(2020, 1, 1) + timedelta(hours=number) for number in range(300)]
    found = read(tmp_path, [f"{moment:%d/%m/%Y %H:%M},{n % 24},{n}" for n, moment in enumerate(moments)])
    assert found.problems == ()
    assert not any("cannot be told apart" in note for note in found.notes)
    assert series(found).say(299) == "2020-01-13 11:00"


def test_coming_rows_alone_are_refused_with_the_rows_before_as_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        read(tmp_path, [f"{hour(n)},,{n % 7}" for n in range(14)], target="a", known="b")
    (problem,) = refused.value.problems
    assert str(problem) == (
        "x.csv, column a: is to be forecast, and all its 14 cells are empty. Give the rows before too, with the values that "
        "were measured: a forecast goes on from these."
    )


def test_a_test_table_that_is_named_is_not_said_to_lie_unused_beside(tmp_path: Path) -> None:
    for name, lines in (("x_train", rows()[:40]), ("x_test", rows()[40:])):
        (tmp_path / f"{name}.csv").write_text("\n".join(["date,a,b", *lines, ""]), encoding="utf-8")
    place, beside = str(tmp_path / "x_train.csv"), str(tmp_path / "x_test.csv")
    assert any("lies beside" in note for note in Timeline(path=place).collect().notes)
    assert not any("lies beside" in note for note in Timeline(path=place, test=beside).collect().notes)


def test_what_is_measured_is_not_offered_as_the_name_of_a_series_beside_words(tmp_path: Path) -> None:
    lines = [f"{hour(n)},{'xyz'[shop]},{shop}" for shop in range(3) for n in range(40)]
    with pytest.raises(DataError, match=r"--series-id shop\.$"):
        read(tmp_path, lines, "date,shop,sold")


def test_rows_out_of_order_are_put_in_order_and_told(tmp_path: Path) -> None:
    lines = rows()
    lines[3], lines[10] = lines[10], lines[3]
    found = read(tmp_path, lines)
    np.testing.assert_array_equal(series(found).values, series(read(tmp_path, rows())).values)
    assert "not in order of time" in " ".join(found.notes)


def test_gaps_are_named_and_filled_with_missing_values(tmp_path: Path) -> None:
    lines = rows()
    part = series(read(tmp_path, [*lines[:10], *lines[15:40], *lines[41:]]))
    assert len(part) == 60
    assert part.gaps == ((10, 5), (40, 1))
    assert part.say_gaps() == "2 gaps, the longest 5 hours from 2024-01-01 10:00"
    assert np.isnan(part.values[10:15]).all()
    assert part.stretch(20, 60, name="later").gaps == ((20, 1),)


def test_equal_rows_of_one_time_count_once(tmp_path: Path) -> None:
    lines = rows()
    found = read(tmp_path, [*lines, lines[7]])
    assert len(series(found)) == 60
    assert found.problems == ()
    assert "say the same of the same time again" in " ".join(found.notes)


def test_different_rows_of_one_time_are_a_problem_each(tmp_path: Path) -> None:
    found = read(tmp_path, [*rows(), f"{hour(7)},99,1"])
    (problem,) = found.problems
    assert "row 62" in problem.where
    assert "2024-01-01 07:00 again" in problem.found
    assert "--series-id" in problem.remedy
    assert len(series(found)) == 60


def test_a_date_that_cannot_be_read_is_a_problem_of_its_row(tmp_path: Path) -> None:
    lines = rows()
    lines[5] = "yesterday,1,2"
    (problem,) = read(tmp_path, lines).problems
    assert "row 7" in problem.where
    assert "no time" in problem.found


def test_a_long_table_becomes_channels_with_missing_values_where_times_differ(tmp_path: Path) -> None:
    lines = [f"{hour(n)},{name},{n + place}" for place, name in enumerate("xy") for n in range(5 * place, 40)]
    part = series(read(tmp_path, lines, header="date,shop,sold", series_id="shop"))
    assert part.series == ("x", "y")
    assert np.isnan(part.values[:5, 1]).all()
    np.testing.assert_array_equal(part.values[5:, 1], np.arange(5, 40) + 1)


def test_the_target_alone_is_forecast_and_the_others_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, rows(), target="b")
    assert series(found).series == ("b",)
    assert "not used, since they are not the target: a" in " ".join(found.notes)
    known = series(read(tmp_path, rows(), target="b", known="a"))
    assert known.known_names == ("a",)
    assert known.known.shape == (60, 1)


def test_only_the_first_times_are_used_where_so_said(tmp_path: Path) -> None:
    assert len(series(read(tmp_path, rows(), rows=20))) == 20


def no_dates(folder: Path) -> Collected:
    return read(folder, [f"{n},{n % 7}" for n in range(50)], header="a,b")


def several_dates(folder: Path) -> Collected:
    return read(folder, [f"{hour(n)},{hour(n + 1)},{n}" for n in range(50)], header="from,until,a")


def words_for_dates(folder: Path) -> Collected:
    return read(folder, [f"day {'abcdefghij'[n % 10]},{n}" for n in range(50)], header="when,a", time_column="when")


def no_numbers(folder: Path) -> Collected:
    return read(folder, [f"{hour(n)},{'xyz'[n % 3]}" for n in range(50)], header="date,a")


def all_constant(folder: Path) -> Collected:
    return read(folder, [f"{hour(n)},3,0" for n in range(50)])


def one_time(folder: Path) -> Collected:
    return read(folder, rows(1))


def no_time(folder: Path) -> Collected:
    return read(folder, [])


def uneven(folder: Path) -> Collected:
    random = np.random.default_rng(0)
    minutes = np.cumsum(random.integers(1, 5000, 50))
    lines = [f"{str(np.datetime64('2024-01-01T00:00', 'm') + minute).replace('T', ' ')},{minute}" for minute in minutes]
    return read(folder, lines, header="date,a")


def one_year_wrong(folder: Path) -> Collected:
    return read(folder, [*rows(50)[:-1], "2094-01-03 01:00,1,2"])


def unknown_target(folder: Path) -> Collected:
    return read(folder, rows(), target="c")


@pytest.mark.parametrize(
    ("make", "found", "remedy"),
    [
        (no_dates, "no column of dates", "--time-column"),
        (several_dates, "2 columns hold dates: from, until", "--time-column"),
        (words_for_dates, "no dates, such as", "one way"),
        (no_numbers, "no column of numbers", "made of numbers"),
        (all_constant, "every series has the same value", "series that change"),
        (one_time, "1 time in it", "longer table"),
        (no_time, "no rows", ""),
        (uneven, "not at equal steps", "equal steps"),
        (one_year_wrong, "nothing is between 2024-01-03 (x.csv row 50) and 2094-01-03 01:00 (x.csv row 51)", "mend that time"),
        (unknown_target, "there is no column 'c' (--target)", "Columns: date, a, b"),
    ],
)
def test_what_cannot_be_continued_is_refused(make: Callable[[Path], Collected], found: str, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        make(tmp_path)
    assert found in str(error.value)
    assert remedy in str(error.value)


def test_one_series_that_never_changes_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, [f"{hour(n)},{n},4" for n in range(50)])
    assert "never changes: b" in " ".join(found.warnings)


def shops(promo: dict[str, int], order: str = "ab") -> list[str]:
    return [f"{hour(n)},{shop},{n + 7 * (shop == 'b')},{promo[shop] * (n % 3)}" for shop in order for n in range(40)]


def test_what_is_known_of_all_series_alike_is_one_column(tmp_path: Path) -> None:
    header, settings = "date,shop,sold,promo", {"series_id": "shop", "target": "sold", "known": "promo"}
    part = series(read(tmp_path, shops({"a": 1, "b": 1}), header=header, **settings))
    np.testing.assert_array_equal(part.known[:, 0], np.arange(40) % 3)
    assert part.known_names == ("promo",)


def test_the_order_of_rows_says_nothing_of_the_order_of_series(tmp_path: Path) -> None:
    header, settings = "date,shop,sold,promo", {"series_id": "shop", "target": "sold"}
    one, other = (series(read(tmp_path, shops({"a": 1, "b": 1}, order), header=header, **settings)) for order in ("ab", "ba"))
    assert one.series == other.series == ("a", "b")
    np.testing.assert_array_equal(one.values, other.values)


def days(first: str, count: int) -> list[str]:
    return [f"{day},{n % 5},{n % 7}" for n, day in enumerate(np.busday_offset(np.datetime64(first), np.arange(count)))]


def following(folder: Path, lines: list[str], interval: Interval) -> TimelinePart:
    (folder / "next.csv").write_text("\n".join(["date,a,b", *lines, ""]), encoding="utf-8")
    return Timeline(path="").read_timeline(str(folder / "next.csv"), interval=interval).part


def test_the_step_of_the_training_is_that_of_a_few_times_too(tmp_path: Path) -> None:
    interval = series(read(tmp_path, days("2024-01-01", 40))).interval
    part = following(tmp_path, days("2024-03-04", 9), interval)
    assert part.interval == interval
    assert len(part) == 9
    with pytest.raises(DataError, match="a step of 1 working day, where the training has 1 hour"):
        following(tmp_path, days("2024-01-01", 40), series(read(tmp_path, rows())).interval)


def test_a_saturday_is_not_put_on_monday(tmp_path: Path) -> None:
    interval = series(read(tmp_path, days("2024-01-01", 40))).interval
    part = following(tmp_path, [*days("2024-03-04", 9), "2024-03-16,9,9"], interval)
    assert (len(part), part.say(len(part) - 1)) == (9, "2024-03-14")
    with pytest.raises(DataError, match=r"2024-03-09 .*is not on that grid"):
        following(tmp_path, sorted([*days("2024-03-04", 9), "2024-03-09,9,9", "2024-03-16,9,9"]), interval)


def test_a_test_table_far_away_is_refused_before_memory_is_taken() -> None:
    def part(start: int) -> TimelinePart:
        values, known = np.random.default_rng(0).normal(size=(100, 1)), np.empty((100, 0))
        return TimelinePart("x", values, known, start, Interval("time", 1_000_000), ("a",), (), "x.csv", "")

    with pytest.raises(DataError, match="between the train part"):
        part(0).followed_by(part(40 * 365 * 86_400 * 1_000_000))
    assert len(part(0).followed_by(part(300 * 1_000_000))[0]) == 400


def zoned(offset: str, count: int = 60) -> list[str]:
    return [f"{hour(n).replace(' ', 'T')}:00{offset},{n % 24},{(7 * n) % 11}" for n in range(count)]


def test_one_offset_of_all_times_is_kept(tmp_path: Path) -> None:
    found = read(tmp_path, zoned("+01:00"))
    assert series(found).reading["dates"] == {"date": "iso+01:00"}
    assert series(found).say(3) == "2024-01-01 03:00"
    assert "with the offset +01:00: it is kept" in " ".join(found.notes)
    later = read(tmp_path, zoned("Z"), dates={"date": "iso+01:00"})
    assert series(later).say(3) == "2024-01-01 04:00"


def test_different_offsets_become_utc_and_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, [*zoned("+01:00")[:30], *[line.replace("+01:00", "+02:00") for line in zoned("+01:00")[31:]]])
    assert series(found).say(0) == "2023-12-31 23:00"
    assert "times have offsets from UTC (+01:00, +02:00): taken and written as UTC" in " ".join(found.notes)
    assert "UTC" not in " ".join((*read(tmp_path, zoned("Z")).notes, *read(tmp_path, rows()).notes))


def test_series_below_each_other_are_one_problem_that_names_their_column(tmp_path: Path) -> None:
    lines = [f"{hour(n)},{name},{n + place},{'wet' if n % 2 else 'dry'}" for place, name in enumerate("xyz") for n in range(40)]
    with pytest.raises(DataError, match=r"80 of 120 rows have a time .* --series-id shop\.") as error:
        read(tmp_path, lines, header="date,shop,sold,sky")
    assert len(error.value.problems) == 1
    numbered = [
        line.replace("x", "1").replace("y,", "2,", 1).replace("z", "3") for line in (row.rpartition(",")[0] for row in lines)
    ]
    with pytest.raises(DataError, match=r"--series-id shop\."):
        read(tmp_path, numbered, header="date,shop,sold")


def test_other_columns_of_dates_are_told_as_such(tmp_path: Path) -> None:
    found = read(tmp_path, [f"{hour(n)},{hour(n + 1)},{n}" for n in range(50)], header="date,until,a")
    assert "date is the time; not used, since they are other dates: until" in " ".join(found.notes)
    assert "no numbers" not in " ".join(found.notes)


def test_the_order_of_day_and_month_is_the_one_with_equal_steps(tmp_path: Path) -> None:
    lines = [f"01/{n % 12 + 1:02}/{2000 + n // 12},{n % 7}" for n in range(48)]
    found = read(tmp_path, lines, header="date,a")
    assert (series(found).interval.say(), len(series(found))) == ("1 month", 48)
    assert "read with the day first" in " ".join(found.notes)
    assert "month first" not in " ".join(found.notes)
    assert series(found).reading["dates"] == {"date": "%d/%m/%Y"}
    in_memory = Timeline(path="x").of_tables(
        collect_arrays({"date": [line[:10] for line in lines], "a": list(range(48))}, is_input=True)
    )
    assert (series(in_memory).interval.say(), "month first" in " ".join(in_memory.notes)) == ("1 month", False)
    said = read(tmp_path, lines, header="date,a", dates={"date": "%d/%m/%Y"})
    np.testing.assert_array_equal(series(said).times, series(found).times)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%d 00:00:00", "%d.%m.%Y", "%b %d, %Y"])
def test_times_may_be_text_where_other_columns_have_types(tmp_path: Path, form: str) -> None:
    days = [datetime(2021, 1, 1) + timedelta(days=n) for n in range(300)]
    columns = {"day": [day.strftime(form) for day in days], "y": [float(n % 7) for n in range(300)]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    for found in (
        Timeline(path="x").of_tables(collect_arrays(columns, target="", is_input=True)),
        Timeline(path=str(tmp_path / "t.parquet")).collect(),
    ):
        assert (series(found).interval.say(), len(series(found))) == ("1 day", 300)


@pytest.mark.parametrize("form", ["{}-Q{}", "{}Q{}"])
def test_quarters_are_times(tmp_path: Path, form: str) -> None:
    found = read(tmp_path, [f"{form.format(1990 + n // 4, n % 4 + 1)},{n % 7}" for n in range(40)], header="when,a")
    assert (series(found).interval.say(), series(found).say(1)) == ("1 quarter", "1990-04-01")


@pytest.mark.parametrize("unit", [1, 1_000])
def test_seconds_since_1970_are_times(tmp_path: Path, unit: int) -> None:
    found = read(tmp_path, [f"{(1_700_000_000 + 3_600 * n) * unit},{n % 7}" for n in range(40)], header="timestamp,a")
    assert (series(found).interval.say(), series(found).say(0)) == ("1 hour", "2023-11-14 22:13:20")
    assert "seconds since 1970, in UTC" in " ".join(found.notes)
    counted = read(tmp_path, [f"{n},{n % 7}" for n in range(40)], header="t,a", time_column="t")
    assert series(counted).interval.kind == "number"


def test_a_zone_of_another_kind_of_table_is_told(tmp_path: Path) -> None:
    times = pa.array(np.datetime64("2024-01-01", "us") + 3_600_000_000 * np.arange(50), pa.timestamp("us", tz="Europe/Berlin"))
    pq.write_table(pa.table({"date": times, "a": np.arange(50.0)}), tmp_path / "x.parquet")
    found = Timeline(path=str(tmp_path / "x.parquet")).collect()
    assert "times have the zone Europe/Berlin: taken and written as UTC" in " ".join(found.notes)


def test_dates_written_in_several_ways_are_named_by_the_first_row_of_each(tmp_path: Path) -> None:
    lines = [line.replace(" 00:00", "") for line in rows(24 * 60) if " 00:00" in line]
    lines[40:] = [f"{day[8:]}.{day[5:7]}.{day[:4]},{rest}" for day, _, rest in (line.partition(",") for line in lines[40:])]
    lines[50] = "soon,1,1"
    for settings in ({}, {"time_column": "date"}):
        with pytest.raises(DataError) as caught:
            read(tmp_path, lines, **settings)
        (problem,) = caught.value.problems
        assert problem.where == "x.csv, column date"
        assert "40 like '2024-01-01' (first in x.csv row 2)" in problem.found
        assert "19 like '10.02.2024' (first in x.csv row 42)" in problem.found
        assert "1 that are no dates that can be read, such as 'soon' (first in x.csv row 52)" in problem.found


def test_more_series_and_times_than_memory_holds_are_refused_before_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"shop {n % 30},{hour(n)},{n % 7}" for n in range(3_000)]
    settings = {"header": "shop,date,sold", "series_id": "shop"}
    assert len(series(read(tmp_path, lines, **settings))) == 3_000
    monkeypatch.setattr("tutelage.data.source.time_grid.memory_bytes", lambda: 2**20)
    with pytest.raises(DataError, match=r"30 series at 3,000 times take about 0 GB.*3\.3% of them hold a value.*fewer series"):
        read(tmp_path, lines, **settings)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"target": "a", "known": "a"}, "column a: is to be forecast, and is named as known beforehand too.*Name it once"),
        ({"target": "b", "series_id": "b"}, "column b: is to be forecast, and names the series"),
        ({"target": "date"}, "column date: is to be forecast, and is the time"),
        ({"known": "a,b"}, r"no column of numbers beside the times \(date\) and what is known beforehand \(a, b\)"),
    ],
)
def test_a_column_that_is_named_twice_is_told_as_such(settings: dict[str, str], found: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=found):
        read(tmp_path, rows(), **settings)
