"""Series in tables: a row each, or many rows each; what does not make a series is told with its rows."""

from pathlib import Path

import numpy as np
import pytest

from tutelage.core.errors import DataError
from tutelage.data.part.series import SeriesPart
from tutelage.data.source.base import Collected
from tutelage.data.source.table import TableSource

LONG = "machine,minute,heat,sound,state\n"
ROWS = ["b,2,3.5,1,ok", "b,1,2.5,0,ok", "a,1,7,,bad", "a,2,8,2,bad", "a,10,9,3,bad"]


def long_table(folder: Path, *rows: str, time_column: str = "minute") -> Collected:
    (folder / "long.csv").write_text(LONG + "\n".join(rows) + "\n", encoding="utf-8")
    source = TableSource(path=str(folder / "long.csv"), target="state", series_id="machine", time_column=time_column)
    return source.collect()


def test_rows_of_a_series_are_put_together_in_order_of_time(tmp_path: Path) -> None:
    found = long_table(tmp_path, *ROWS)
    train = found.train
    assert isinstance(train, SeriesPart)
    assert found.problems == ()
    assert train.series[0].tolist() == [[2.5, 0], [3.5, 1]]
    assert np.array_equal(train.series[1], [[7, np.nan], [8, 2], [9, 3]], equal_nan=True)
    assert train.labels is not None
    assert train.labels.tolist() == ["ok", "bad"]
    assert train.locate(1) == "long.csv machine a"
    assert train.reading == {"series_id": "machine", "time_column": "minute"}


def test_without_a_time_rows_are_in_the_order_of_the_table(tmp_path: Path) -> None:
    rows = [row.split(",") for row in ROWS]
    (tmp_path / "x.csv").write_text("\n".join(["m,heat,state", *(f"{row[0]},{row[2]},{row[4]}" for row in rows)]) + "\n")
    train = TableSource(path=str(tmp_path / "x.csv"), target="state", series_id="m").collect().train
    assert isinstance(train, SeriesPart)
    assert train.series[0].ravel().tolist() == [3.5, 2.5]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("c,1,1,1,ok", "machine c: a series of one value"),
        ("a,2,5,5,bad", "machine a: the same minute twice, in long.csv row"),
        ("a,3,5,5,ok", "machine a: state is 'bad' in some of its rows and 'ok' in others"),
        (",3,5,5,ok", "column machine is empty"),
        ("a,,5,5,bad", "column minute is empty"),
    ],
)
def test_what_makes_no_series_is_told(tmp_path: Path, row: str, said: str) -> None:
    problems = long_table(tmp_path, *ROWS, "d,1,1,1,ok", "d,2,1,2,ok", row).problems
    assert len(problems) == 1
    assert said in str(problems[0])


def test_columns_that_are_not_there_or_hold_words_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no column 'hour'"):
        long_table(tmp_path, *ROWS, time_column="hour")
    (tmp_path / "x.csv").write_text("m,heat,note,state\na,1,hot,x\na,2,cold,x\nb,3,hot,y\nb,4,warm,y\n", encoding="utf-8")
    with pytest.raises(DataError, match="columns that hold no numbers: note"):
        TableSource(path=str(tmp_path / "x.csv"), target="state", series_id="m").collect()


def test_each_row_of_a_wide_table_is_a_series(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text("t0,t1,t2,kind\n1,2,3,up\n3,2,,down\n5,,7,up\n", encoding="utf-8")
    source = TableSource(path=str(tmp_path / "wide.csv"), target="kind", wide=True)
    train = source.collect().train
    assert isinstance(train, SeriesPart)
    assert train.lengths.tolist() == [3, 2, 3]
    assert np.isnan(train.series[2][1, 0])
    part, problems = source.read_input([str(tmp_path / "wide.csv")])
    assert isinstance(part, SeriesPart)
    assert (len(part), problems) == (3, ())
