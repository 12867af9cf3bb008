"""`predict --out` takes the place of no input and of no file of a run."""

import os
from pathlib import Path

import pytest

from tutelage.cli.main import main
from tutelage.cli.out_file import check_out_file, say_new_folder
from tutelage.core.errors import UsageError


@pytest.fixture(autouse=True)
def _beside_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("a\n1\n", encoding="utf-8")
    for name in ("run", "run/best", "sub"):
        Path(name).mkdir()
    for name in ("plan.json", "result.json", "manifest.jsonl"):
        (Path("run") / name).write_text("{}", encoding="utf-8")
    Path("link.csv").symlink_to("in.csv")
    os.link("in.csv", "hard.csv")
    Path("link.json").symlink_to("run/result.json")
    Path("other_run").symlink_to("run")


@pytest.mark.parametrize("out", ["in.csv", "./in.csv", "sub/../in.csv", "link.csv", "hard.csv"])
def test_an_input_is_not_written_over(out: str) -> None:
    with pytest.raises(
        UsageError, match=r"is the input .*would be written over\. Choose another file, such as .*predictions\.csv"
    ):
        check_out_file(out, ["other.csv", "in.csv"])
    with pytest.raises(UsageError, match="is the input"):
        check_out_file(out, [f"file://{Path('in.csv').resolve()}"])


@pytest.mark.parametrize(
    "out", ["run/result.json", "run/plan.json", "run/test_opened.json", "link.json", "other_run/data.json", "run/best/x.csv"]
)
def test_a_file_of_a_run_is_not_written_over(out: str) -> None:
    with pytest.raises(UsageError, match=r"is a file of the run .*/run, which would be damaged\. Choose another file"):
        check_out_file(out, ["in.csv"])


@pytest.mark.parametrize("out", ["out.csv", "run/answers.csv", "sub/result.json", "plan.json", "sub/in.csv"])
def test_other_files_may_be_written(out: str) -> None:
    check_out_file(out, ["in.csv"])


@pytest.mark.parametrize("learned_from", ["data", "data/train.csv", "data_link"])
def test_the_data_of_the_training_are_not_written_over(learned_from: str) -> None:
    Path("data").mkdir()
    Path("data/train.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    Path("data_link").symlink_to("data")
    with pytest.raises(UsageError, match=r"belongs to the data that the run has learned from .*Choose another file"):
        check_out_file("data/train.csv", ["in.csv"], learned_from=learned_from)
    check_out_file("data/answers.csv", ["in.csv"], learned_from=learned_from)
    check_out_file("answers.csv", ["in.csv"], learned_from="sklearn:digits")


def test_it_is_refused_before_the_run_is_opened(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "nowhere", "in.csv", "--out", "in.csv"]) == 2
    assert "is the input itself" in capsys.readouterr().err
    assert Path("in.csv").read_text(encoding="utf-8") == "a\n1\n"


def test_a_folder_that_is_made_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for out in ("out.csv", "sub/out.csv", "/out.csv"):
        say_new_folder(out)
    assert capsys.readouterr().err == ""
    say_new_folder("sbu/new/out.csv")
    assert "no folder sbu/new yet: it is made" in capsys.readouterr().err
