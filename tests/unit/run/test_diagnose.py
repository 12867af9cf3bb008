"""A run that has learned nothing says so in console, result and report; one that has learned says nothing, and neither pays."""

import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import tutelage
from tutelage.core import layout
from tutelage.run import training
from tutelage.run.run import Run
from tutelage.track.jsonl import read_records
from tutelage.training.checkpoint import newest_checkpoint
from tutelage.training.state import TrainState, digest

SMALL = {"model": {"kind": "mlp", "members": 1, "hidden": [16], "dropout": 0.0, "numbers": "plain"}, "steps": 60}


def events(run: Run, kind: str) -> list[dict[str, Any]]:
    return [event for event in read_records(run.path / layout.EVENTS) if event["event"] == kind]


def causes(run: Run) -> list[str]:
    return [reason["cause"] for reason in run.result["diagnosis"]["reasons"]]


def test_zero_weights_are_named_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tutelage.train("sklearn:iris", out=tmp_path / "run", **{**SMALL, "init": "zero"})  # type: ignore[arg-type]
    assert causes(run)[0] == "equal_units"
    (warning,) = run.result["warnings"]
    assert "has learned nothing" in warning
    assert "--set init=he" in warning
    assert [event["message"] for event in events(run, "Warned")] == [warning]
    told = capsys.readouterr().err
    assert "not clearly better than guessing" in told
    assert "best so far" not in told
    assert "Nothing learned" in run.report.read_text(encoding="utf-8")
    assert {event["versus_guess"] for event in events(run, "Evaluated")} == {"no better"}


def test_zero_weights_are_named_after_a_pause_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopper(training.SaveJob):
        """Asks the process to end once, in the middle."""

        def run(self, state: TrainState) -> None:
            super().run(state)
            if state.clock.step == 10:
                os.kill(os.getpid(), signal.SIGTERM)

    stops = {"patience": 0.4, "cooldown": 0}
    wishes: dict[str, Any] = {**SMALL, "init": "zero", "save": {"every_seconds": 0}, "stopping": stops}
    with monkeypatch.context() as patch:
        patch.setattr(training, "SaveJob", Stopper)
        paused = tutelage.train("sklearn:iris", out=tmp_path / "run", quiet=True, **wishes)
    assert paused.result["stopped"] == "terminated"
    run = tutelage.resume(tmp_path / "run", quiet=True)
    assert run.result["stopped"] == "patience"
    assert causes(run)[0] == "equal_units"
    measured = tutelage.train("sklearn:iris", out=tmp_path / "whole", quiet=True, **wishes).result["diagnosis"]["measured"]
    # How far weights have moved is told from the beginning of the run, and not of this process.
    assert run.result["diagnosis"]["measured"]["layers"] == measured["layers"]


def test_a_run_that_has_learned_is_left_in_peace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wishes: dict[str, Any] = {**SMALL, "optim": {"kind": "adamw", "lr": 0.02}}
    run = tutelage.train("sklearn:iris", out=tmp_path / "run", **wishes)
    assert run.result["diagnosis"] == {"verdict": "better"}
    assert run.result["warnings"] == []
    told = capsys.readouterr().err
    assert "best so far" in told
    assert "Warning" not in told
    assert 'id="diagnosis"' not in run.report.read_text(encoding="utf-8")
    assert events(run, "Evaluated")[-1]["versus_guess"] == "better"


def test_weights_that_stay_are_told_however_well_a_random_network_does(tmp_path: Path) -> None:
    wishes: dict[str, Any] = {**SMALL, "optim": {"kind": "adamw", "lr": 1e-9}, "ema": 0.0}
    run = tutelage.train("sklearn:iris", out=tmp_path / "run", quiet=True, **wishes)
    assert causes(run)[0] == "rate_too_small"
    assert run.result["warnings"]


def test_measuring_changes_no_bit_of_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(name: str) -> str:
        tutelage.train("sklearn:iris", out=tmp_path / name, quiet=True, **{**SMALL, "init": "zero"})  # type: ignore[arg-type]
        return digest(newest_checkpoint(tmp_path / name)[0])

    class Blind:
        def __init__(self, state: object) -> None:
            pass

        def layers(self) -> tuple[()]:
            return ()

    def unknown(*_: object) -> Callable[[Mapping[str, float]], str]:
        return lambda _: "unknown"

    measured = trained("measured")
    monkeypatch.setattr(training, "Vitals", Blind)
    monkeypatch.setattr(training, "versus_guess", unknown)
    assert trained("blind") == measured
    assert "diagnosis" not in json.loads((tmp_path / "blind" / layout.RESULT).read_text(encoding="utf-8"))


def test_a_log_that_is_gone_leaves_the_run_its_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutelage.run.diagnose.read_records", lambda path: (_ for _ in ()).throw(OSError("gone")))
    run = tutelage.train("sklearn:iris", out=tmp_path / "run", quiet=True, **{**SMALL, "init": "zero"})  # type: ignore[arg-type]
    assert causes(run)[0] == "equal_units"
