"""The command `distill`: from trained runs to a student that answers, with the comparison printed and in the report."""

import json
from pathlib import Path

import pytest

from tutelage.cli.main import main

pytestmark = pytest.mark.slow


def run(*words: str) -> int:
    return main([*words, "--quiet"])


def test_a_student_is_trained_compared_and_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("train", "sklearn:iris", "--epochs", "3", "--out", "first") == 0
    assert run("train", "sklearn:iris", "--epochs", "3", "--out", "second", "--model", "mlp") == 0
    capsys.readouterr()
    command = ("distill", "first", "second", "--student", "tiny", "--epochs", "3", "--out", "student")
    assert run(*command, "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert {"teacher", "student", "alone", "run", "report"} <= set(record)
    for name in ("teacher", "student", "alone"):
        assert {"metrics", "num_parameters", "latency_ms"} <= set(record[name])
    assert record["teacher"]["runs"] == ["first", "second"]
    assert record["student"]["num_parameters"] < record["teacher"]["num_parameters"] / 8
    page = Path(record["report"]).read_text(encoding="utf-8")
    assert "Teacher and student" in page
    assert run(*command) == 0, "the same command finds everything done"
    assert "agrees with teacher" in capsys.readouterr().out
    for verb in (("evaluate", "student"), ("verify", "student"), ("evaluate", "student-alone")):
        assert main([*verb]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "not a run folder"),
        (("first", "--student", "enormous"), "unknown"),
        (("first", "--student", "cnn"), "takes"),
        (("first", "--epochs", "many"), "expected a number"),
        (("first", "--set", "distill.terms=['nonsense']"), "nonsense"),
        (("first", "--data", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_what_cannot_be_is_told_before_a_training(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("train", "sklearn:iris", "--steps", "2", "--out", "first") == 0
    capsys.readouterr()
    assert run("distill", *words, "--out", "student") in (2, 3, 1)
    assert said in capsys.readouterr().err
    assert not Path("student").exists()
