"""Tables: whatever wrote them, they are read alike, and all that is wrong is told at once, with its row."""

import contextlib
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

from tutelage.core.errors import DataError, TutelageError, UsageError
from tutelage.data.part.table import TablePart
from tutelage.data.source.base import Collected
from tutelage.data.source.delimited import _read_by_arrow, _read_by_line, read_delimited
from tutelage.data.source.raw_table import RawTable
from tutelage.data.source.table import TableSource, column_kinds
from tutelage.data.source.text_encoding import open_text
from tutelage.data.source.text_layout import find_layout

DATA = Path(__file__).parents[3].parent / "shared" / "data"
PLAIN = "a,b,c\n1,x,yes\n2,y,no\n"


def write(folder: Path, content: str | bytes, name: str = "t.csv") -> str:
    """Write a file and return its path."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def collect(folder: Path, content: str | bytes, *, test: str = "", **settings: str) -> Collected:
    """Write a table, and a test table, and read them."""
    path = write(folder, content)
    if test:
        settings["test"] = write(folder, test, "u.csv")
    return TableSource(path=path, **settings).collect()


def rows(found: Collected) -> list[dict[str, object]]:
    """Return the train rows."""
    assert isinstance(found.train, TablePart)
    return found.train.table.to_pylist()  # type: ignore[no-any-return]


def told(found: Collected) -> list[str]:
    """Return where each problem is and what was found."""
    return [f"{problem.where}: {problem.found}" for problem in found.problems]


def contents(raw: RawTable, is_blank: np.ndarray) -> tuple[list[list[str]], list[int], list[int], list[bool]]:
    """Return cells by column, lines, items, and which rows are blank."""
    cells = [raw.columns.get(name).to_pylist() for name in raw.names]
    return cells, raw.lines.tolist(), raw.items.tolist(), is_blank.tolist()


def refusal(folder: Path, content: str | bytes, **settings: str) -> str:
    """Return what is said of a table that cannot be used at all."""
    with pytest.raises(TutelageError) as caught:
        collect(folder, content, **settings)
    return str(caught.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_delimiter_and_line_ending_is_found_out(tmp_path: Path, delimiter: str, ending: str) -> None:
    found = collect(tmp_path, PLAIN.replace(",", delimiter).replace("\n", ending))
    assert rows(found) == [{"a": 1, "b": "x", "c": "yes"}, {"a": 2, "b": "y", "c": "no"}]
    assert found.train.locate(1) == "t.csv row 3"
    assert not found.problems


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_any_encoding_is_found_out(tmp_path: Path, encoding: str) -> None:
    found = collect(tmp_path, "größe,b\n1,café\n2,y\n".encode(encoding))
    assert rows(found)[0] == {"größe": 1, "b": "café"}
    assert any("not UTF-8" in note for note in found.notes) == (not encoding.startswith("utf-8"))


def test_bytes_that_are_no_text_are_told_by_row(tmp_path: Path) -> None:
    found = collect(tmp_path, "a,b\n1,café\n2,y\n".encode() + b"3,caf\xe9\n4,\0y\n5,z\n")
    assert [problem.where for problem in found.problems] == ["t.csv row 4", "t.csv row 5"]
    assert [row["a"] for row in rows(found)] == [1, 2, 5]


def test_every_ragged_row_is_told_with_its_line_also_after_line_breaks_in_cells(tmp_path: Path) -> None:
    found = collect(tmp_path, 'a,b,c\n"1\n1",x,yes\n2,y\n\n3,z,no,9\n4,w,no\n')
    assert told(found) == ["t.csv row 4: 2 cells, the header has 3", "t.csv row 6: 4 cells, the header has 3"]
    assert [problem.item for problem in found.problems] == [1, 3]
    assert isinstance(found.train, TablePart)
    assert found.train.lines.tolist() == [2, 7]


def test_quotes_that_go_wrong_are_told(tmp_path: Path) -> None:
    found = collect(tmp_path, 'a,b\n1,x\n"2"2,y\n3,y\n"4,z\n5,z\n')
    assert told(found) == [
        "t.csv row 5: a quote is opened and never closed",
        "t.csv row 3: text stands after a closing quote",
    ]
    assert [problem.item for problem in found.problems] == [-1, 1]


def test_quotes_after_a_blank_are_quotes_and_doubled_ones_are_text(tmp_path: Path) -> None:
    assert rows(collect(tmp_path, 'a, b, c\n1, "x, y", "say ""hi"""\n2, "z", no\n'))[0] == {"a": 1, "b": "x, y", "c": 'say "hi"'}


def test_delimiters_at_the_end_of_all_rows_do_no_harm(tmp_path: Path) -> None:
    for content in ("a,b\n1,x,\n2,y,\n3,y,\n", "a,b,\n1,x,\n2,y,\n3,y,\n"):
        found = collect(tmp_path, content)
        assert rows(found)[0] == {"a": 1, "b": "x"}
        assert not found.problems


def test_names_that_are_missing_doubled_or_no_names_are_told(tmp_path: Path) -> None:
    assert told(collect(tmp_path, "a,a,,b\n1,2,3,x\n4,5,6,y\n")) == [
        "t.csv row 1: two columns are called 'a'",
        "t.csv row 1: column 3 has no name",
    ]
    years = collect(tmp_path, "country,2001,2002\nx,1,2\ny,2,3\n")
    assert not years.problems
    assert any("taken as column names, since its numbers count up" in note for note in years.notes)
    with pytest.raises(DataError, match="one column only"):
        collect(tmp_path, "a:b:c\n1:2:3\n4:5:6\n")


def test_a_nameless_column_that_counts_the_rows_is_left_out(tmp_path: Path) -> None:
    found = collect(tmp_path, ",a,b\n0,5,x\n1,6,y\n")
    assert rows(found)[0] == {"a": 5, "b": "x"}
    assert any("only counts the rows" in note for note in found.notes)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "the file is empty (0 bytes)"),
        (" \n\n", "nothing but blanks"),
        ("a,b,c\n", "column names, but no rows"),
        ("a,b,c\n1,2\n", "2 cells, the header has 3"),
    ],
)
def test_a_file_without_sound_rows_is_refused(tmp_path: Path, content: str, words: str) -> None:
    assert words in refusal(tmp_path, content)


def test_missing_values_are_null_however_spelled_and_blanks_do_not_count(tmp_path: Path) -> None:
    spellings = ["", "?", "NA", "N/A", "nan", "NaN", "null", "NULL", "None", "-", "#N/A", " ? "]
    lines = "".join(f"{word},{word}, {'xy'[index % 2]} \n" for index, word in enumerate(spellings))
    found = collect(tmp_path, "a,b,c\n1.5,u,x\n" + lines)
    assert isinstance(found.train, TablePart)
    assert [column.null_count for column in found.train.table.columns] == [12, 12, 0]
    assert set(found.train.table.column("c").to_pylist()) == {"x", "y"}


def test_infinite_numbers_are_told_with_row_and_column_and_nan_is_missing(tmp_path: Path) -> None:
    found = collect(tmp_path, "a,b\n1,x\ninf,y\nNaN,y\n-Infinity,x\n")
    assert told(found) == [
        "t.csv row 3, column a: 'inf' is not a finite number",
        "t.csv row 5, column a: '-Infinity' is not a finite number",
    ]
    assert [row["a"] for row in rows(found)] == [1.0, None]


def test_numbers_too_large_for_any_are_told_as_such(tmp_path: Path) -> None:
    numbers = "".join(f"{index},{index}.5\n" for index in range(60))
    found = collect(tmp_path, f"a,y\n{numbers}1,{'9' * 5000}\n2,1e400\n", target="y")
    assert [text.partition("column y: ")[2] for text in told(found)] == [
        f"'{'9' * 60}'... (5,000 characters) is too large for a number (limit 1.8e+308)",
        "'1e400' is too large for a number (limit 1.8e+308)",
    ]


def test_a_few_odd_cells_in_a_number_column_are_warned_of(tmp_path: Path) -> None:
    found = collect(tmp_path, "a,b\n" + "".join(f"{index},{'xy'[index % 2]}\n" for index in range(99)) + "12a,x\n", target="b")
    assert found.warnings == ("t.csv, column a: 1 of 100 cells are no number, such as '12a' in row 101; they count as missing",)


def test_a_class_may_be_called_none_but_an_empty_target_is_missing(tmp_path: Path) -> None:
    found = collect(tmp_path, "a,y\n1,None\n2,mild\n3,\n4,?\n5,NA\n", target="y")
    assert told(found) == ["t.csv row 4, column y: the target is missing", "t.csv row 5, column y: the target is missing"]
    assert [row["y"] for row in rows(found)] == ["None", "mild", "NA"]
    assert any("'NA' (1 x), 'None' (1 x) in the target column was kept" in note for note in found.notes)


def test_a_table_without_any_target_is_one_problem(tmp_path: Path) -> None:
    for content, what in (("a,y\n?,?\n?,?\n", "table"), ("a,y\n1,?\n2,?\n", "target")):
        with pytest.raises(DataError) as error:
            collect(tmp_path, content, target="y")
        assert [problem.found for problem in error.value.problems] == [f"every cell of the {what} is empty, in all 2 rows"]
    with pytest.raises(DataError, match=r"t\.csv row 2, column y: 'inf'") as error:
        collect(tmp_path, "a,y\n1,inf\n2,?\n", target="y")
    assert len(error.value.problems) == 2


def test_in_a_number_target_na_is_missing_and_words_and_inf_are_problems(tmp_path: Path) -> None:
    numbers = "".join(f"{index},{index}.5\n" for index in range(60))
    found = collect(tmp_path, "a,y\n" + numbers + "1,NA\n2,abc\n3,inf\n", target="y")
    assert told(found) == [
        "t.csv row 62, column y: the target is missing",
        "t.csv row 63, column y: 'abc' is not a number",
        "t.csv row 64, column y: 'inf' is not a finite number",
    ]


def test_one_value_in_the_target_is_a_problem(tmp_path: Path) -> None:
    assert told(collect(tmp_path, "a,y\n1,x\n2,x\n")) == ["t.csv, column y: every row has the same value 'x'"]


def test_an_unknown_target_names_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN.replace("c\n", "income\n"))
    for wrong in ("incom", "INCOME "):
        with pytest.raises(UsageError, match=r"did you mean 'income'\? Columns: a, b, income\."):
            TableSource(path=path, target=wrong).collect()


@pytest.mark.parametrize(
    ("header", "target"),
    [("Label,b,c", "Label"), ("a,Survived,c", "Survived"), ("a,price,target", "target"), ("a,b,c", "c")],
)
def test_a_target_that_was_guessed_by_name_or_place_is_warned_of(tmp_path: Path, header: str, target: str) -> None:
    found = collect(tmp_path, f"{header}\n1,2,3\n4,5,6\n")
    assert isinstance(found.train, TablePart)
    assert found.train.target == target
    assert found.warnings[0].startswith(f"t.csv: the target was guessed to be {target!r}, since it ")
    assert "--target COLUMN says it" in found.warnings[0]


@pytest.mark.parametrize("header", ["y,price,target", "rating,b,Price "])
def test_several_columns_that_may_be_the_target_are_refused_by_name(tmp_path: Path, header: str) -> None:
    names = [name.strip() for name in header.split(",") if name != "b"][:: 2 if "y," in header else 1]
    with pytest.raises(UsageError, match=rf"may be '{names[0]}' or '{names[1]}'.*Say which: --target COLUMN"):
        collect(tmp_path, f"{header}\n1,2,3\n4,5,6\n")
    assert not collect(tmp_path, f"{header}\n1,2,3\n4,5,6\n", target=names[0]).warnings


def test_the_test_table_follows_the_training_table(tmp_path: Path) -> None:
    train = "n,code,c\n1.5,7,Yes\n2,x,No\n"
    found = collect(tmp_path, train, test="extra,c,code,n\n1,yes.,8,1\n1,NO,y,2\n1,No,,\n", target="c")
    assert isinstance(found.test, TablePart)
    assert found.test.table.to_pylist() == [
        {"n": 1, "code": "8", "c": "Yes"},
        {"n": 2, "code": "y", "c": "No"},
        {"n": None, "code": None, "c": "No"},
    ]
    assert not found.problems
    assert found.notes[-1] == "u.csv: columns that the training table does not have are not used: extra"
    assert found.warnings == (
        "u.csv: the label 'NO' was read as the class 'No' of the training data (1 x)",
        "u.csv: the label 'yes.' was read as the class 'Yes' of the training data (1 x)",
    )


def test_what_does_not_fit_the_training_table_is_told(tmp_path: Path) -> None:
    found = collect(tmp_path, "Age,n,c\n1,2,Yes\n2,3,No\n", test="age,n,c\n1,x,Yes\n2,y,Maybe\n", target="c")
    assert told(found) == [
        "u.csv, column n: 2 of 2 cells, such as 'x' in row 2: each is no number, as it is in the training data",
        "u.csv: column 'Age' is missing (there is 'age')",
        "u.csv row 3, column c: 'Maybe' is no class of the training data",
    ]


def test_problems_of_both_tables_are_told_together(tmp_path: Path) -> None:
    found = collect(tmp_path, "a,c\n1,x\n2\n3,y\n", test=" ")
    assert told(found) == ["t.csv row 3: 1 cells, the header has 2", "u.csv: nothing but blanks in it"]


def test_a_folder_with_train_and_test_is_a_source_and_without_labels_the_test_is_not_used(tmp_path: Path) -> None:
    write(tmp_path, "a,b,c\n1,0,x\n2,1,y\n", "train.csv")
    write(tmp_path, "a,b,c\n3,0,x\n", "test.csv")
    found = TableSource(path=str(tmp_path)).collect()
    assert (found.name, len(found.train), len(found.test or ())) == (tmp_path.name, 2, 1)
    write(tmp_path, "a,c\n3,x\n", "test.csv")
    found = TableSource(path=str(tmp_path)).collect()
    assert isinstance(found.train, TablePart)
    assert (found.train.target, found.test) == ("b", None)
    assert "test.csv has no column b" in found.warnings[0]
    (tmp_path / "test.csv").unlink()
    write(tmp_path, "a,b,c\n5,0,x\n", "val.csv")
    assert len(TableSource(path=str(tmp_path)).collect().test or ()) == 1


def test_a_folder_with_one_table_is_a_source_and_with_several_it_asks(tmp_path: Path) -> None:
    write(tmp_path, PLAIN, "some.csv")
    assert len(TableSource(path=str(tmp_path)).collect().train) == 2
    write(tmp_path, PLAIN, "other.csv")
    with pytest.raises(UsageError, match=r"Found: other\.csv, some\.csv"):
        TableSource(path=str(tmp_path)).collect()


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "t.arrow"])
def test_typed_files_keep_their_types_in_plain_form(tmp_path: Path, name: str) -> None:
    table = pa.table(
        {
            "number": pa.array([1, None], pa.uint8()),
            "half": pa.array([0.5, float("nan")], pa.float32()),
            "word": pa.array(["x", "None"]).dictionary_encode(),
            "day": pa.array([datetime(2024, 1, 1), None], pa.date32()),
            "list": pa.array([[1], [2]]),
            "flag": pa.array([True, None]),
            "y": pa.array(["a", "b"], pa.large_string()),
        }
    )
    path = tmp_path / name
    if name == "t.parquet":
        pyarrow.parquet.write_table(table, path)
    elif name == "t.feather":
        pyarrow.feather.write_feather(table, path)
    else:
        with pa.ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table)
    found = TableSource(path=str(path)).collect()
    assert rows(found) == [
        {"number": 1, "half": 0.5, "word": "x", "day": datetime(2024, 1, 1), "flag": True, "y": "a"},
        {"number": None, "half": None, "word": "None", "day": None, "flag": None, "y": "b"},
    ]
    assert f"{name}: column list holds list<" in found.notes[0]


def test_typed_files_that_are_damaged_or_hold_inf_are_told(tmp_path: Path) -> None:
    path = write(tmp_path, b"PAR1 and nothing else", "t.parquet")
    with pytest.raises(DataError, match="damaged, or not what its name says"):
        TableSource(path=path).collect()
    pyarrow.parquet.write_table(pa.table({"a": [1.0, float("inf"), 2.0], "y": ["u", "v", "w"]}), path)
    assert told(TableSource(path=path).collect()) == ["t.parquet row 2, column a: inf is not a finite number"]


def test_input_needs_no_target_and_may_be_several_tables(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a,b\n1,x\n2,\n", "1.csv"), write(tmp_path, "b,a,c\ny,2.5,yes\n7,3,\n1,2\n", "2.csv")
    part, problems = TableSource(target="c").read_input([first, second])
    assert part.table.select(["a", "b"]).to_pylist() == [
        {"a": 1, "b": "x"},
        {"a": 2, "b": None},
        {"a": 2.5, "b": "y"},
        {"a": 3, "b": "7"},
    ]
    assert part.labels is None
    assert [problem.where for problem in problems] == ["2.csv row 4"]
    labelled, _ = TableSource(target="c").read_input([second])
    assert labelled.labels is not None
    assert labelled.labels.tolist() == ["yes", None]


def test_given_kinds_make_other_tables_read_alike(tmp_path: Path) -> None:
    train = collect(tmp_path, "code,n,y\n7,1.5,a\nx,2,b\n").train
    assert isinstance(train, TablePart)
    kinds = column_kinds(train.table)
    assert kinds == {"code": "text", "n": "number", "y": "text"}
    part, problems = TableSource(kinds=kinds).read_input([write(tmp_path, "code,n\n8,3\n", "u.csv")])
    assert part.table.to_pylist() == [{"code": "8", "n": 3}]
    assert problems == ()


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("a,b,c\n1, x ,é\n\n,,\n2,y,\n", [2, 3, 4, 5]),
        ('"a",b,"c"\n1,"x, y",""\n\n"say ""hi""",,"é"\n2,y,""""', [2, 3, 4, 5]),
        ('"a\nz",b,c\n1,"x\ny\n\n",2\n\n3,"u",\n"\r\n",v,w\r\n4,5,6', [3, 7, 8, 9, 11]),
        ("\n \na,b,c\n1,2,3\n4,5,6\n", [4, 5]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_arrow_and_the_reader_by_line_agree(tmp_path: Path, content: str, lines: list[int], encoding: str) -> None:
    text = open_text(Path(write(tmp_path, content.encode(encoding))))
    layout = find_layout(text)
    fast, careful = _read_by_arrow(text, layout), _read_by_line(text, layout)
    assert fast is not None
    assert contents(*fast) == contents(*careful)
    assert fast[0].lines.tolist() == lines


@pytest.mark.parametrize(
    "content",
    [
        'a,b\n1,x\n"2"2,y\n',  # Arrow would read 22
        'a,b\n1,5" pipe\n',  # a quote within a cell
        'a,b\n1,"x\n2,y\n',  # never closed
        'a,b\n1, "x, y"\n2, z\n',  # a blank before the quote
        "a,b\n1,x,\n2,y,\n3,y,\n",  # delimiters at the end of rows
        "a,b\n1,x\n2\n",  # too few cells
        "a,b\r1,x\r2,y\r",  # old line endings
    ],
)
def test_what_arrow_cannot_tell_is_left_to_the_reader_by_line(tmp_path: Path, content: str) -> None:
    text = open_text(Path(write(tmp_path, content)))
    assert _read_by_arrow(text, find_layout(text)) is None


def test_the_two_readers_agree_on_random_quotes_wherever_blocks_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    pieces = ['"', '""', ",", "\n", "x", '"y"', ",", "\n", '"a,b\nc"', "é"]
    monkeypatch.setattr("tutelage.data.source.text_encoding.BLOCK_BYTES", 3)
    num_read = 0
    for _ in range(600):
        content = "a,b\n" + "".join(random.choice(pieces, 8)) + "\n1,2\n"
        text = open_text(Path(write(tmp_path, content)))
        layout = find_layout(text)
        fast, careful = _read_by_arrow(text, layout), _read_by_line(text, layout)
        if fast is not None:
            num_read += 1
            assert contents(*fast) == contents(*careful)
            assert not careful[0].problems
    assert num_read > 10


def test_columns_of_a_large_file_are_read_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = " ,b,c,d,y\n" + "\n".join(f"{i},{i % 7},{'xyz'[i % 3]}, ,{i % 5}" if i % 11 else ",,,," for i in range(300))
    path, other = write(tmp_path, content), write(tmp_path, "y,d,c,b\n1,,x,3\n,,,\n2,,q,4\n", "u.csv")
    whole = TableSource(path=path, test=other, target="y").collect()
    monkeypatch.setattr("tutelage.data.source.csv_columns.MIN_GROUP_BYTES", 1)
    monkeypatch.setattr("tutelage.data.source.csv_columns.BLOCK_BYTES", 200)
    grouped = TableSource(path=path, test=other, target="y").collect()
    for part in ("train", "test"):
        found, expected = getattr(grouped, part), getattr(whole, part)
        assert found.table.equals(expected.table)
        assert found.fingerprint == expected.fingerprint
        assert found.lines.tolist() == expected.lines.tolist()
    assert (grouped.notes, grouped.warnings, grouped.problems) == (whole.notes, whole.warnings, whole.problems)


def test_what_arrow_writes_is_read_back(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    words = ['say "hi"', "a,b", "two\nlines", "ünï", "plain"]
    table = pa.table({"n": random.normal(size=500), "w": [words[index] for index in random.integers(0, 5, 500)], "y": range(500)})
    pyarrow.csv.write_csv(table, tmp_path / "t.csv")
    found = TableSource(path=str(tmp_path / "t.csv"), target="y").collect()
    assert rows(found) == table.to_pylist()
    assert not found.problems


def test_damaged_tables_give_problems_and_never_other_errors(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    whole = np.frombuffer(('a,b,"c d",y\n' + '1,"x ""q"" z",2024-01-01,yes\n2.5,é,2024-02-01,no\n' * 20).encode(), dtype=np.uint8)
    for number in range(150):
        damaged = whole.copy()
        damaged[random.integers(0, len(whole), 6)] = random.choice(np.frombuffer(b'",;\n\r\0\xe9\xff\t|1', dtype=np.uint8), 6)
        path = write(tmp_path, damaged.tobytes()[: int(random.integers(1, 2 * len(whole)))], f"{number}.csv")
        with contextlib.suppress(TutelageError):
            assert isinstance(TableSource(path=path).collect().train, TablePart)
        with contextlib.suppress(TutelageError):
            TableSource().read_input([path])


def test_texts_longer_than_the_csv_modules_limit_are_read(tmp_path: Path) -> None:
    assert len(str(rows(collect(tmp_path, 'a,b\n"' + "x," * 100_000 + '",1\ny,2\n'))[0]["a"])) == 200_000


def test_the_fingerprint_follows_content_and_target(tmp_path: Path) -> None:
    one, two = write(tmp_path, PLAIN, "1.csv"), write(tmp_path, PLAIN, "2.csv")
    prints = {TableSource(path=path, target=target).collect().train.fingerprint for path in (one, two) for target in ("b", "c")}
    assert len(prints) == 2
    assert read_delimited(Path(one)).digest == read_delimited(Path(two)).digest


@pytest.mark.skipif(not (DATA / "adult").is_dir(), reason="Adult is not here")
def test_adult_is_read_within_a_second_and_its_dotted_labels_are_mapped() -> None:
    started = time.perf_counter()
    found = TableSource(path=str(DATA / "adult" / "train.csv"), test=str(DATA / "adult" / "test.csv"), target="income").collect()
    assert time.perf_counter() - started < 1
    assert (len(found.train), len(found.test or ())) == (32_561, 16_281)
    assert not found.problems
    assert found.warnings == (
        "test.csv: the label '<=50K.' was read as the class '<=50K' of the training data (12,435 x)",
        "test.csv: the label '>50K.' was read as the class '>50K' of the training data (3,846 x)",
    )
    assert isinstance(found.train, TablePart)
    assert sum(column.null_count for column in found.train.table.columns) == 4_262


@pytest.mark.parametrize(
    ("path", "target", "count", "missing"),
    [
        ("titanic/titanic.csv", "Survived", 891, 866),
        ("california-housing/housing.csv", "median_house_value", 20_640, 207),
        ("wine-quality/winequality-white.csv", "quality", 4_898, 0),
        ("imdb", "sentiment", 25_000, 0),
        ("etth1", "OT", 17_420, 0),
    ],
)
def test_the_real_tables_are_read_without_a_complaint(path: str, target: str, count: int, missing: int) -> None:
    if not (DATA / path).exists():
        pytest.skip("the data set is not here")
    found = TableSource(path=str(DATA / path), text="none").collect()
    assert isinstance(found.train, TablePart)
    assert (found.train.target, len(found.train)) == (target, count)
    assert sum(column.null_count for column in found.train.table.columns) == missing
    assert not found.problems
    assert [warning for warning in found.warnings if "guessed" not in warning] == []
