"""A generator that is set up badly on purpose is told to have collapsed, in training and at its end."""

import json
from pathlib import Path
from typing import Any

import pytest

import tutelage
from tutelage.core import layout

BROKEN: dict[str, Any] = {
    "task": {"kind": "generate", "game": {"kind": "non_saturating", "gamma": 0.0}, "critic_rate": 0.02},
    "model": {"kind": "mlp", "hidden": [32, 32], "dropout": 0.0},
    "batch_size": 16,
    "split": {"validation": 0.02, "test": 0.02},
}


@pytest.mark.slow
def test_a_critic_that_hardly_learns_is_reported_as_mode_collapse(tmp_path: Path) -> None:
    run = tutelage.train("gaussians:8", steps=150, out=tmp_path / "run", quiet=True, **BROKEN)
    assert [reason["cause"] for reason in run.result["diagnosis"]["reasons"]][:1] == ["mode_collapse"]
    events = [json.loads(line) for line in (run.path / layout.EVENTS).read_text(encoding="utf-8").splitlines()]
    told = [event["message"] for event in events if event["event"] == "Warned"]
    assert any("mode collapse" in message for message in told), told
    assert "mode collapse" in run.report.read_text(encoding="utf-8")
