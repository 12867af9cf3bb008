"""Files without a header row: their columns get names, and every later file of the run gets the same ones."""

import gzip
from pathlib import Path
from typing import Any

import pytest

import tutelage
from tutelage.cli.main import main
from tutelage.core.errors import DataError, RecipeError, TutelageError, UsageError
from tutelage.data.part.table import TablePart
from tutelage.data.source import stored_file
from tutelage.data.source.header import Naming, find_header
from tutelage.data.source.recognize import recognize
from tutelage.data.source.table import TableSource

ROWS = [f"{i * 0.37 % 5:.2f},{i * 1.1:.1f},{'ab'[i % 2]}" for i in range(40)]


def write(folder: Path, lines: list[str], name: str = "t.data") -> Path:
    path = folder / name
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def columns(found: Any) -> tuple[str, ...]:
    assert isinstance(found.train, TablePart)
    return found.train.columns


@pytest.mark.slow
def test_a_run_on_a_headless_file_predicts_evaluates_and_resumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, folder = write(tmp_path, ROWS), tmp_path / "run"
    run = tutelage.train(path, steps=3, out=folder, quiet=True)
    features = [row.rpartition(",")[0] for row in ROWS[:2]]
    answers = [
        run.predict(write(tmp_path, lines, name))
        for name, lines in (("whole.data", ROWS[:2]), ("less.data", features), ("named.csv", ["column 1,column 2", *features]))
    ]
    assert answers[0] == answers[1] == answers[2]
    assert run.predict(write(tmp_path, features[:1], "one.data")) == answers[0][:1]
    assert main(["predict", str(folder), str(tmp_path / "less.data")]) == 0
    assert "one column less: taken as all columns of the training data but 'column 3'" in capsys.readouterr().err
    scores = run.scores(write(tmp_path, ROWS[5:25], "more.data"))
    assert scores["num_rows"] == 20
    assert "called as in the training data" in scores["notes"][0]
    with pytest.raises(DataError, match=r"1 columns and no header row, where the training data has 3|one column"):
        run.predict(write(tmp_path, ["1.5", "2.5"], "few.csv"))
    (folder / "result.json").unlink()
    assert tutelage.resume(folder, quiet=True).metrics == run.metrics


def test_a_headless_test_table_takes_the_names_of_a_training_table_that_has_some(tmp_path: Path) -> None:
    train = write(tmp_path, ["a,b,y", *ROWS[:30]], "train.csv")
    test = write(tmp_path, ROWS[30:], "rest.csv")
    found = TableSource(path=str(train), test=str(test)).collect()
    assert isinstance(found.test, TablePart)
    assert (found.test.columns, len(found.test), found.problems) == (("a", "b", "y"), 10, ())
    assert any("given order" in note for note in found.notes)


def test_parts_of_the_uci_archive_are_used_in_a_folder_and_proposed_beside_a_file(tmp_path: Path) -> None:
    write(tmp_path, ROWS[:30], "set.data")
    write(tmp_path, ["|1x3 Cross validator", *(f"{row}." for row in ROWS[30:])], "set.test")
    (tmp_path / "set.names").write_text("Title: a set, made by hand.\n\nIt has three columns.\n", encoding="utf-8")
    assert recognize(str(tmp_path)) is TableSource
    whole = TableSource(path=str(tmp_path)).collect()
    assert (len(whole.train), len(whole.test or ())) == (30, 10)  # type: ignore[arg-type]
    assert any("the label 'a.' was read as the class 'a'" in line for line in whole.warnings)
    alone = TableSource(path=str(tmp_path / "set.data")).collect()
    assert alone.test is None
    assert any("set.test lies beside set.data and is not used: --test" in note for note in alone.notes)


@pytest.mark.slow
def test_the_header_is_said_on_the_command_line_and_in_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, ["0,1,2", *ROWS])
    assert main(["plan", str(path), "--header", "none", "--target", "column 3"]) == 0
    assert "read without a header row, as asked for" in " ".join(capsys.readouterr().out.split())
    assert main(["plan", str(path), "--header", "nope"]) == 2
    assert "choose from" in capsys.readouterr().err
    assert columns(TableSource(path=str(path), header="first").collect()) == ("0", "1", "2")
    run = tutelage.train(path, header="none", target="column 3", steps=1, quiet=True, out=tmp_path / "run")
    assert "column 1" in (run.path / "plan.json").read_text(encoding="utf-8")
    with pytest.raises(RecipeError, match="must be 'auto', 'first' or 'none'"):
        tutelage.plan(path, header="nope")
    with pytest.raises(UsageError, match="about a table in a file"):
        tutelage.plan({"a": [1, 2], "y": [1, 2]}, header="none")


def test_names_may_be_given_for_a_file_that_has_none(tmp_path: Path) -> None:
    path = str(write(tmp_path, ROWS))
    assert columns(TableSource(path=path, names=("size", "weight", "kind"), target="kind").collect()) == (
        "size",
        "weight",
        "kind",
    )
    with pytest.raises(UsageError, match=r"3 columns, but source\.names has 2 names"):
        TableSource(path=path, names=("size", "kind")).collect()


def test_where_the_target_is_not_plain_the_candidates_are_shown(tmp_path: Path) -> None:
    path = write(tmp_path, [f"{i * 0.5},{i % 7},{i * 1.5}" for i in range(40)])
    with pytest.raises(UsageError, match=r'(?s)not plain.*--target "column 3"   holds 0.0, 1.5.*--target "column 1"') as caught:
        TableSource(path=str(path)).collect()
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("rows", "is_header"),
    [
        (["a,b", "1,2"], True),
        (["1.5,2", "2.5,3"], False),
        (["2001,2002", "5,6", "7,8"], True),
        (["2001,2002", "2000,2001", "2003,2004"], False),
        (["p,x", "e,x", "p,y", "e,y", "p,x"], False),
        (["kind,form", "e,x", "p,y", "e,y", "p,x"], True),
        (["12 kg,x", "13 kg,y"], False),
        (["mass,x", "13 kg,y", "14 kg,z"], True),
        (["A1,A2", "B3,B4", "C5,C6"], False),
        (["2020-01-01,5", "2020-01-02,6"], False),
    ],
)
def test_a_header_is_told_from_data_by_what_stands_below_it(rows: list[str], is_header: bool) -> None:
    assert find_header([row.split(",") for row in rows], Naming())[0] == is_header


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_file, "MIN_LIMIT_BYTES", 1000)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(("a,b,y\n" + "0,0,x\n" * 100_000).encode(), 9))
    with pytest.raises(DataError, match="bytes that unpack to more than"):
        TableSource(path=str(tmp_path / "t.csv.gz")).collect()
    monkeypatch.undo()
    monkeypatch.setattr(stored_file, "memory_bytes", lambda: 1000)
    with pytest.raises(DataError, match="unpack to more than 1,000"):
        TableSource(path=str(tmp_path / "t.csv.gz")).collect()


def test_a_workbook_without_openpyxl_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["a", "y"])
    book.save(tmp_path / "t.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(TutelageError, match=r"pip install 'tutelage\[excel\]'"):
        TableSource(path=str(tmp_path / "t.xlsx")).collect()


def test_a_text_that_is_no_table_says_why_and_what_else_it_may_be(tmp_path: Path) -> None:
    path = write(tmp_path, ["It was a bright day, and cold.", "The clocks were striking thirteen."], "book.text")
    with pytest.raises(UsageError, match=r"(?s)chars:.*book\.text.*No table: its lines.*--set source\.kind=table"):
        recognize(str(path))


def test_links_that_lead_nowhere_are_named_in_a_folder_of_tables(tmp_path: Path) -> None:
    write(tmp_path, ROWS, "t.data")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    found = TableSource(path=str(tmp_path)).collect()
    assert [note for note in found.notes if "leads nowhere" in note] == [
        "not used: gone.csv, a link that leads nowhere",
        "not used: self, a link that leads nowhere",
    ]


def test_dates_at_one_end_are_no_labels(tmp_path: Path) -> None:
    lines = [f"2020-01-{1 + row // 5:02d} 00:00:00,{row % 7}.5,{'ab'[row % 2]}" for row in range(100)]
    found = TableSource(path=str(write(tmp_path, lines))).collect()
    assert isinstance(found.train, TablePart)
    assert found.train.target == "column 3"


def test_a_cell_of_endless_digits_is_refused_in_few_words(tmp_path: Path) -> None:
    lines = [f"{row}.5,{'123'[row % 3] * 5000}" for row in range(30)]
    with pytest.raises(DataError) as error:
        TableSource(path=str(write(tmp_path, ["x,y", *lines], "t.csv")), target="y").collect()
    problems = error.value.problems
    assert all(len(str(problem)) < 200 and "5,000 characters" in str(problem) for problem in problems)
