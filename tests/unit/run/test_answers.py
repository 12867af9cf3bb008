"""Measuring and predicting with a finished run: unknown classes are told once, can be left out, and some models never answer."""

import json
from pathlib import Path

import pytest

from tutelage.cli.main import main
from tutelage.core.errors import DataError, RunError
from tutelage.run.run import Run

SMALL = ["--set", "model.members=1", "--set", "model.hidden=[8]", "--quiet"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "train.csv").write_text("n,kind\n" + "1,a\n2,b\n" * 30, encoding="utf-8")
    words = ["train", str(folder / "train.csv"), "--target", "kind", "--steps", "5", "--out", str(folder / "run"), *SMALL]
    assert main(words) == 0
    return folder / "run"


def table(folder: Path, kinds: list[str]) -> str:
    (folder / "new.csv").write_text("n,kind\n" + "".join(f"{row},{kind}\n" for row, kind in enumerate(kinds)), encoding="utf-8")
    return str(folder / "new.csv")


def test_each_unknown_class_is_one_problem_when_evaluating_and_all_its_rows_can_be_left_out(
    trained: Path, tmp_path: Path
) -> None:
    path = table(tmp_path, ["a", "x", "b", "x", "y", "x", "x", "a"])
    with pytest.raises(DataError) as caught:
        Run.open(trained).scores(path)
    found = [(problem.where.rsplit("/", 1)[-1], problem.found) for problem in caught.value.problems]
    assert found == [
        ("new.csv row 3", "the label is 'x', in 4 rows (also new.csv row 5, new.csv row 7, ...)"),
        ("new.csv row 6", "the label is 'y'"),
    ]
    scores = Run.open(trained).scores(path, on_bad_data="skip")
    assert scores["num_rows"] == 3
    assert [warning.startswith("left out: ") for warning in scores["warnings"]] == [True, True]


def test_rows_without_a_label_are_one_problem_too_and_where_none_is_left_the_data_are_refused(
    trained: Path, tmp_path: Path
) -> None:
    assert Run.open(trained).scores(table(tmp_path, ["a", "", "b", ""]), on_bad_data="skip")["num_rows"] == 2
    with pytest.raises(DataError, match="in 2 rows"):
        Run.open(trained).scores(table(tmp_path, ["x", "x"]), on_bad_data="skip")


def test_unknown_classes_of_a_test_table_are_told_once_and_left_out_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.csv").write_text("n,kind\n" + "1,a\n2,b\n" * 30, encoding="utf-8")
    test = table(tmp_path, ["a", "x", "b", "x", "x", "x"])
    words = ["train", str(tmp_path / "train.csv"), "--target", "kind", "--test", test, "--steps", "2", *SMALL]
    assert main([*words, "--json"]) == 3
    (problem,) = json.loads(capsys.readouterr().out)["error"]["problems"]
    assert problem["where"] == "new.csv row 3, column kind"
    assert problem["found"] == "'x' is no class of the training data, in 4 rows (also new.csv row 5, new.csv row 6, ...)"
    assert main([*words, "--on-bad-data", "skip", "--out", str(tmp_path / "run")]) == 0
    assert "4 bad items left out" in (tmp_path / "run" / "events.jsonl").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "run" / "data.json").read_text(encoding="utf-8"))["parts"]["test"] == 2


def test_a_run_that_answers_for_rows_says_how_to_predict(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "sklearn:iris", "--steps", "2", "--out", str(tmp_path / "run"), *SMALL]
    assert main(words) == 0
    assert "predict  tutelage predict" in capsys.readouterr().err
    assert Run.open(trained).result["answers_rows"] is True


@pytest.mark.slow
def test_a_generator_does_not_answer_for_rows_and_says_what_it_can_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert main(["train", "gaussians", "--steps", "2", "--out", str(run), "--quiet"]) == 0
    assert "tutelage predict" not in capsys.readouterr().err
    path = table(tmp_path, ["a", "b"])
    for words in (["predict", str(run), path], ["evaluate", str(run), path]):
        assert main(words) == 2
        assert f"Its own scores: tutelage evaluate {run}." in capsys.readouterr().err
    with pytest.raises(RunError, match="'generate' has no answer for a row"):
        Run.open(run).predict(path)
    assert main(["evaluate", str(run)]) == 0
