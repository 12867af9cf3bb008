"""What `tutelage estimate` refuses is told before anything is tried, with what to give instead."""

import json
from pathlib import Path

import pytest

from tutelage.cli.main import main
from tutelage.core import layout

RULE = ["--flops-per-iteration", "1e12", "--iterations", "100", "--flops", "10e12"]


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def refusal(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["estimate", *words]) != 0
    return capsys.readouterr().err


@pytest.mark.parametrize(("speed", "seconds"), [("10e12", 10.0), ("20e12", 5.0)])
def test_the_textbook_rule_is_exact(speed: str, seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", *RULE[:-1], speed, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ideal_seconds"], told["flops"], told["interval_80"]) == (seconds, 1e14, None)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sklearn:iris", "--devices", "0"], "--devices '0': expected a whole number >= 1. Give one such as 8."),
        (["sklearn:iris", "--devices", "1.5"], "--devices '1.5': expected a whole number >= 1"),
        (["sklearn:iris", "--devices", "1e30"], "--devices '1e30': expected a whole number >= 1"),
        (["sklearn:iris", "--devices", "9" * 5_000], "expected a whole number from 1 to 1,000,000"),
        (
            ["sklearn:iris", "--price", "-1"],
            "--price '-1': expected a number >= 0. Give one such as 2.5, of one device",
        ),
        (["sklearn:iris", "--price", "free"], "--price 'free': expected a number >= 0"),
        (["sklearn:iris", "--hardware", "H1000"], "hardware 'H1000' is not in the catalogue. Did you mean h100"),
        (["sklearn:iris", "--hardware", "toaster"], "All names: tutelage hardware --list"),
        ([*RULE, "--price", "2"], "--price: the textbook rule takes its three numbers and nothing else. Leave it out."),
        (["sklearn:iris", *RULE, "--steps", "3"], "SOURCE and --steps: the textbook rule takes its three numbers"),
        ([*RULE[:3], "1.5", *RULE[4:]], "--iterations '1.5': expected a whole number. Give one such as 1e5."),
        (RULE[:2], "--iterations and --flops: the textbook rule needs all three numbers"),
        (["nowhere"], "nowhere"),
        ([], "no SOURCE given"),
    ],
)
def test_what_cannot_be_is_told_with_what_can(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in refusal(*words, capsys=capsys)


def test_words_that_would_not_change_a_run_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / layout.PLAN).write_text("{}", encoding="utf-8")
    told = refusal("run", "--steps", "100", "--set", "batch_size=3", capsys=capsys)
    assert "--steps and --set: a run goes on by its own plan, and so does its forecast. Leave them out." in told


def test_data_that_have_a_manifest_of_their_own_are_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.jsonl").write_text('{"picture": "cat/1.png"}\n')
    told = refusal(str(tmp_path), "--steps", "20", capsys=capsys)
    assert "a run goes on" not in told
    assert "plan.json" not in told
