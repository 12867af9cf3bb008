"""A training that begins beside others tells it, unless one thread is all that it has; so does an estimate, and what it lacks."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tutelage
from tutelage.cli.main import main
from tutelage.run import estimating, start


@pytest.mark.parametrize(("threads", "is_told"), [("auto", True), (1, False)])
def test_others_are_told_of(threads: str | int, is_told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "crowded", lambda device, *, num_threads: "others compute here")
    tutelage.train("sklearn:iris", model="linear", steps=2, quiet=True, out=tmp_path / "run", threads=threads)
    assert ("others compute here" in (tmp_path / "run" / "events.jsonl").read_text(encoding="utf-8")) == is_told


@pytest.mark.parametrize("beside", ["Others compute here", ""])
def test_an_estimate_made_beside_others_says_so(
    beside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(estimating, "computing_beside", lambda *, num_threads: beside)
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path))
    assert main(["estimate", "sklearn:iris", "--model", "linear", "--steps", "20", "--json"]) == 0
    said, warned = capsys.readouterr()
    told = ["Others compute here: what is told here was measured beside that, and the training is faster without."]
    assert json.loads(said)["warnings"] == (told if beside else [])
    assert ("measured beside that" in warned) == bool(beside)


class Looks(nn.Module):
    """Does with its rows what only real numbers can do."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs [B, 2]."""
        return self.linear(torch.from_numpy(x.numpy() * 1.0))


def test_an_estimate_says_why_a_step_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path))
    drawn = np.random.default_rng(0)
    data = drawn.normal(size=(200, 3)).astype(np.float32), drawn.integers(0, 2, 200)
    monkeypatch.setattr(estimating, "computing_beside", lambda *, num_threads: "")
    found = tutelage.estimate(data, model=Looks(), steps=20)
    (warning,) = found.warnings
    assert warning.startswith("FLOPs, ideal and largest batch are not told: a step cannot be followed without real numbers (")
    assert found.flops is None
