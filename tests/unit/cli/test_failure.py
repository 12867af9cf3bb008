"""With --json every failure is one object on standard output; without it words on standard error. Exit codes are the same."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tutelage.cli.failure import tell_io_error
from tutelage.cli.main import build_parser, main
from tutelage.core import catalog

SMALL = ["--set", "model.members=1", "--set", "model.hidden=[8]"]


@pytest.fixture(autouse=True)
def _inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fail(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The error of a command with --json, after the same one was told in words without it."""
    code = main(words)
    plain = capsys.readouterr()
    assert code != 0
    assert plain.out == ""
    assert plain.err.startswith("tutelage")
    assert main([*words, "--json"]) == code
    told = capsys.readouterr()
    record = json.loads(told.out)
    assert list(record) == ["error"]
    assert list(record["error"]) == ["code", "exit_code", "message", "problems"]
    assert record["error"]["exit_code"] == code
    assert told.err == "", "a second copy of the message"
    error: dict[str, Any] = record["error"]
    return error


@pytest.mark.parametrize(
    ("words", "code", "exit_code", "said"),
    [
        (["train"], "usage", 2, "no SOURCE given"),
        (["train", "nowhere/"], "usage", 2, "no such file or folder"),
        (["train", "sklearn:iris", "--set", "optm.lr=1"], "recipe", 2, "did you mean 'optim'?"),
        (["evaluate", "nowhere"], "run", 2, "not a run folder"),
        (["predict", "nowhere", "x.csv"], "run", 2, "not a run folder"),
        (["resume", "nowhere"], "run", 2, "not a run folder"),
        (["runs", "nowhere"], "usage", 2, "no such folder"),
        (["train", "t.csv", "--out", "a.txt/run"], "io", 2, "a.txt"),
        (["train", "x.csv", "--epochs", "1", "--steps", "2"], "usage", 2, "not allowed with argument"),
        (["train", "x.csv", "--on-bad-data", "hope"], "usage", 2, "invalid choice: 'hope'"),
        (["predict", "run"], "run", 2, "not a run folder"),
        (["trian"], "usage", 2, "invalid choice: 'trian'"),
        (["list", "--jsn"], "usage", 2, "--jsn"),
    ],
)
def test_a_mistake_is_told_with_its_code(
    words: list[str], code: str, exit_code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.txt").write_text("", encoding="utf-8")
    Path("t.csv").write_text("age,kind\n" + "1,a\n2,b\n" * 20, encoding="utf-8")
    error = fail(words, capsys)
    assert (error["code"], error["exit_code"], error["problems"]) == (code, exit_code, [])
    assert said in error["message"]


def test_every_problem_of_the_data_is_an_entry_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.csv").write_text("age,kind\n" + "1,a\n2,b\n2,b,c\n" * 30, encoding="utf-8")
    error = fail(["train", "bad.csv", "--target", "kind"], capsys)
    assert (error["code"], error["exit_code"]) == ("data", 3)
    assert len(error["problems"]) == 30, "all of them, also where words would stop at 20"
    assert list(error["problems"][0]) == ["where", "found", "remedy"]
    assert error["problems"][0]["where"] == "bad.csv row 4"
    assert error["message"].startswith("30 problems found in the data")
    assert "--on-bad-data skip" in error["message"]
    assert "bad.csv row 4" not in error["message"]


@pytest.mark.slow
def test_a_training_that_diverges_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "sklearn:diabetes", "--steps", "30", "--set", "optim={kind='sgd',lr=1e38}", "--quiet", *SMALL]
    assert main([*words, "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], error["exit_code"]) == ("diverged", 1)


def test_the_help_of_task_names_every_task() -> None:
    verbs = next(action for action in build_parser()._actions if action.dest == "verb")
    assert isinstance(verbs.choices, dict)
    text = verbs.choices["train"].format_help()
    assert all(kind in text for kind in catalog.names("task"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", [["list"], ["list", "optim"], ["list", "--json"]])
def test_a_full_disk_behind_standard_output_is_told_in_one_line(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-m", "tutelage", *words], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert (
        done.stderr
        == "tutelage list: standard output: cannot be written (No space left on device). Make room where it goes to.\n"
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(5, "Input/output error"),
            "something in runs/x: cannot be read or written (Input/output error). The disk reports a fault",
        ),
        (OSError(5, "Input/output error", b"a/b"), "a/b: cannot be read or written (Input/output error)."),
        (OSError(24, "Too many open files", "a/b"), "a/b: cannot be read or written (Too many open files). This process has"),
        (OSError("odd"), "something in runs/x: cannot be read or written (odd)."),
    ],
)
def test_an_error_that_nobody_named_is_told_with_its_place_and_a_remedy(
    error: OSError, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell_io_error(error, prog="tutelage train", place="runs/x", as_json=False) == 2
    assert capsys.readouterr().err.startswith(f"tutelage train: {said}")
    assert tell_io_error(error, prog="tutelage train", place="runs/x", as_json=True) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "io"


@pytest.mark.parametrize("verb", ["quantize", "prune"])
@pytest.mark.parametrize("most", ["nan", "-1", "inf", "much"])
def test_a_loss_that_is_allowed_is_a_number(verb: str, most: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "runs/none", "--most-loss", most]) == 2
    assert f"--most-loss: {most!r}: expected a number >= 0, such as 0.3" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "example"), [(["--devices", "0"], "8."), (["--price", "-1"], "2.5, of one device and hour.")])
def test_a_number_of_an_estimate_that_is_none_is_refused_with_one_that_is(
    words: list[str], example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", "sklearn:iris", *words]) == 2
    told = capsys.readouterr().err
    assert "expected a number >= 0" in told or "expected a whole number >= 1" in told
    assert f"Give one such as {example}" in told
