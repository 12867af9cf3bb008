"""Recurrent networks through the whole program: texts, a running text, series; resumed to the bit, health in the report."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tutelage
from tests.contract.examples import chars
from tutelage.core import layout
from tutelage.run.run import Run
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest

STEPS = 6
SMALL = {"width": 16, "embedding_size": 8, "depth": 1, "dropout": 0.2}


def reviews(folder: Path) -> tuple[str, dict[str, Any]]:
    random, lines = np.random.default_rng(0), []
    for row in range(80):
        word = ("dull", "fine")[row % 2]
        words = [word, *random.choice(["film", "plot", "play", "end", "long", "cast"], size=random.integers(8, 20))]
        lines.append(f"{' '.join(words)},{row % 2}")
    (folder / "reviews.csv").write_text("\n".join(["words,answer", *lines, ""]), encoding="utf-8")
    return str(folder / "reviews.csv"), {"target": "answer", "floor": "none"}


def running(folder: Path) -> tuple[str, dict[str, Any]]:
    return chars(folder), {"prepare": {"length": 16}, "task": {"sample_length": 5}, "precision": "float32"}


def load(folder: Path) -> tuple[str, dict[str, Any]]:
    times = np.datetime64("2024-01-01T00:00", "m") + 60 * np.arange(300)
    values = np.sin(np.arange(300) * 2 * np.pi / 24) + np.random.default_rng(0).normal(size=300) / 10
    lines = [f"{str(time).replace('T', ' ')},{value:.4f}" for time, value in zip(times, values, strict=True)]
    (folder / "load.csv").write_text("\n".join(["time,load", *lines, ""]), encoding="utf-8")
    return str(folder / "load.csv"), {"task": "forecast", "horizon": 12, "prepare": {"length": 24}, "floor": "none"}


def train(kind: str, source: str, out: Path, wishes: dict[str, Any]) -> Run:
    model = {"kind": kind, **SMALL}
    return tutelage.train(source, steps=STEPS, out=out, quiet=True, save={"every_seconds": 0}, model=model, **wishes)


@pytest.mark.parametrize(("kind", "make"), [("lstm", reviews), ("min_gru", reviews), ("gru", running), ("lstm", load)])
def test_a_resumed_run_ends_with_the_same_bits_and_tells_gradients_by_lag_thrice(kind: str, make: Any, tmp_path: Path) -> None:
    source, wishes = make(tmp_path)
    run = train(kind, source, tmp_path / "run", wishes)
    newest = checkpoints(run.path)[-1]
    whole, before = digest(load_checkpoint(newest)), told(run)
    assert [(step, moment) for step, moment, _ in before] == [(1, "start"), (3, "middle"), (STEPS, "end")]
    page = run.report.read_text(encoding="utf-8")
    assert "Recurrent health" in page
    newest.unlink()
    (run.path / layout.RESULT).unlink()
    again = tutelage.resume(run.path, quiet=True)
    assert digest(load_checkpoint(checkpoints(again.path)[-1])) == whole
    assert told(again) == before


def told(run: Run) -> list[tuple[int, str, list[float]]]:
    """Step, moment and norms of each event."""
    lines = (run.path / layout.EVENTS).read_text(encoding="utf-8").splitlines()
    found = [event for event in map(json.loads, lines) if event["event"] == "GradientByLag"]
    return [(event["step"], event["moment"], event["norms"]) for event in found]
