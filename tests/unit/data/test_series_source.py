"""Files of series: both formats are read to the same rows, and what cannot stand is told with its place and what to do."""

from pathlib import Path

import numpy as np
import pytest

from tutelage.core.errors import DataError, UsageError
from tutelage.data.part.series import SeriesPart
from tutelage.data.source.recognize import recognize
from tutelage.data.source.series import SeriesSource

HEADER = "# said about them\n@problemName x\n@timeStamps false\n@univariate true\n@classLabel true a b\n@data\n"


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def collected(folder: Path, *lines: str, header: str = HEADER) -> tuple[SeriesPart, list[str]]:
    path = write(folder, "x.ts", header + "\n".join(lines) + "\n")
    found = SeriesSource(path=path).collect()
    assert isinstance(found.train, SeriesPart)
    return found.train, [str(problem) for problem in found.problems]


def test_unequal_series_of_several_dimensions_are_read_with_what_is_missing(tmp_path: Path) -> None:
    header = HEADER.replace("@univariate true", "@univariate false\n@dimensions 2")
    part, problems = collected(tmp_path, "1,2,3:4,?,6:a", "7,8:9,10:b", header=header)
    assert not problems
    assert [values.shape for values in part.series] == [(3, 2), (2, 2)]
    assert np.array_equal(part.series[0], [[1, 4], [2, np.nan], [3, 6]], equal_nan=True)
    assert part.labels is not None
    assert part.labels.tolist() == ["a", "b"]
    assert part.locate(1) == "x.ts line 9"


@pytest.mark.parametrize("divider", ["\t", ",", "  "])
def test_files_of_the_archive_are_a_pair_whichever_is_named(tmp_path: Path, divider: str) -> None:
    for part, rows in (("TRAIN", ["1.0 0.5 0.25 -1", "2 1 2 NaN", "1 3 4 5"]), ("TEST", ["2 1 1 1", "1 2 2 2"])):
        write(tmp_path, f"Gun_{part}.txt", "\n".join(row.replace(" ", divider) for row in rows) + "\n")
    for path in (tmp_path, tmp_path / "Gun_TRAIN.txt", tmp_path / "Gun_TEST.txt"):
        assert recognize(str(path)) is SeriesSource
        found = SeriesSource(path=str(path)).collect()
        assert isinstance(found.train, SeriesPart)
        assert isinstance(found.test, SeriesPart)
        assert (found.name, len(found.train), len(found.test)) == ("Gun", 3, 2)
        assert found.train.labels is not None
        assert found.train.labels.tolist() == ["1", "2", "1"]
        assert found.train.lengths.tolist() == [3, 2, 3], "what is missing at the end is the end of a shorter series"


def test_tables_with_names_of_that_kind_and_typescript_stay_what_they_are(tmp_path: Path) -> None:
    for part in ("TRAIN", "TEST"):
        write(tmp_path, f"Table_{part}.tsv", "class\ta\tb\tc\n1\t2\t3\t4\n")
    assert not SeriesSource.recognizes(str(tmp_path / "Table_TRAIN.tsv"))
    assert not SeriesSource.recognizes(write(tmp_path, "app.ts", "import { x } from 'y';\n"))


@pytest.mark.parametrize(
    ("line", "found", "remedy"),
    [
        ("1:a", "a series of one value", "two times at least"),
        (":a", "a series of no values", "two times at least"),
        ("1,2,inf:a", "value 3 is infinite", "Write ? or NaN"),
        ("1,two,3:a", "value 2 is 'two', no number", "Write a number, or ?"),
        ("?,?:a", "all values are missing", "Leave the series out"),
        ("1,2:", "its label is missing", "Write the label"),
        ("1,2:c", "'c' is none of those in @classLabel (a, b)", "Mend the label or the header"),
        ("1,2", "no label, or no values", "a colon, and the label"),
        ("1,2:3,4:a", "2 dimensions, where 1 were expected", "the same dimensions"),
        ("1,2,3:4,5:a", "dimensions of different lengths (2, 3 values)", "as many values"),
    ],
)
def test_a_series_that_cannot_stand_is_told_and_left_out(tmp_path: Path, line: str, found: str, remedy: str) -> None:
    part, problems = collected(tmp_path, "1,2,3:a", line, "3,4:b")
    assert len(part) == 2
    assert len(problems) == 1
    assert problems[0].startswith("x.ts line 8")
    assert found in problems[0]
    assert remedy in problems[0]


def test_the_place_of_a_bad_series_is_its_place_among_all(tmp_path: Path) -> None:
    path = write(tmp_path, "x.ts", HEADER + "1,2:a\n1:a\n1,2:b\nx,1:b\n")
    assert [problem.item for problem in SeriesSource(path=path).collect().problems] == [1, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER, "no series in it"),
        ("@classLabel true a\n1,2:a\n", "line 2: .*no line @data before it.*Write @data above the first series"),
        ("@classLabel true a\n", "no line @data"),
        (HEADER.replace("@timeStamps false", "@timeStamps true") + "(0,1),(1,2):a\n", "each value has a time of its own"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        SeriesSource(path=write(tmp_path, "x.ts", text)).collect()


def test_a_folder_of_several_sets_is_told(tmp_path: Path) -> None:
    for name in ("a_TRAIN.ts", "b_TRAIN.ts"):
        write(tmp_path, name, HEADER + "1,2:a\n")
    with pytest.raises(UsageError, match=r"a_TRAIN\.ts, b_TRAIN\.ts"):
        SeriesSource(path=str(tmp_path)).collect()


def test_series_to_predict_on_need_no_labels_and_numbers_are_numbers(tmp_path: Path) -> None:
    bare = write(tmp_path, "bare.ts", "@univariate true\n@classLabel false\n@data\n1,2,3\n4,5\n")
    part, problems = SeriesSource().read_input([bare])
    assert (len(part), part.labels, problems) == (2, None, ())
    promised = write(tmp_path, "promised.ts", HEADER + "1,2,3\n4,5\n")
    part, problems = SeriesSource().read_input([promised])
    assert (len(part), part.labels, problems) == (2, None, ())
    with pytest.raises(DataError, match="no label in any of the 2 series: no line has a colon"):
        SeriesSource(path=promised).collect()
    measured = write(tmp_path, "measured.ts", "@univariate true\n@targetLabel true\n@data\n1,2:0.5\n3,4:1.5\n")
    train = SeriesSource(path=measured).collect().train
    assert isinstance(train, SeriesPart)
    assert train.labels is not None
    assert train.labels.tolist() == [0.5, 1.5]
