"""A training that diverges after a first score leaves a report beside its best weights, whichever way it was started."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import tutelage
from tutelage.cli.main import main
from tutelage.core.errors import DivergedError

WISHES = ["--model", "linear", "--set", "optim={kind='sgd',lr=1e6}", "--set", "clip=0", "--quiet"]
"""Half of it, and an eighth, are as bad: weights are put back three times, with evaluations in between."""


def error_of(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The error that a command tells with --json."""
    assert main([*words, "--json"]) == 1
    error: dict[str, Any] = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "diverged"
    return error


@pytest.mark.slow
def test_a_diverged_run_has_a_report_that_the_error_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    error = error_of(["train", "sklearn:diabetes", "--steps", "100", "--out", "run", *WISHES], capsys)
    assert (error["run"], error["report"]) == ("run", str(Path("run", "report.html")))
    assert "diverged" in Path(error["report"]).read_text(encoding="utf-8")
    # Far worse than a guess, and so not kept without a word.
    assert "no better than a guess" in json.loads(Path("run", "result.json").read_text(encoding="utf-8"))["warnings"][0]
    # As if it had been killed at its start: resumed, it diverges again.
    for path in (Path("run", "result.json"), Path("run", "report.html")):
        path.unlink()
    shutil.rmtree(Path("run", "best"))
    error = error_of(["resume", "run", "--quiet"], capsys)
    assert Path(error["report"]).is_file()


@pytest.mark.slow
def test_a_diverged_run_from_python_has_one_too(tmp_path: Path) -> None:
    optim, out = {"kind": "sgd", "lr": 1e6}, tmp_path / "run"
    with pytest.raises(DivergedError) as caught:
        tutelage.train("sklearn:diabetes", model="linear", optim=optim, clip=0.0, steps=100, out=out, quiet=True)
    assert (caught.value.folder, caught.value.report) == (str(out), str(out / "report.html"))
    assert (out / "report.html").is_file()
    assert caught.value.step > 0


@pytest.mark.slow
def test_without_a_score_before_there_is_nothing_to_report_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    error = error_of(["train", "sklearn:diabetes", "--steps", "3000", "--out", "run", *WISHES, "--set", "optim.lr=1e38"], capsys)
    assert (error["run"], "report" in error) == ("run", False)
