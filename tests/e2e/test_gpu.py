"""Every task trains, is saved, opened and resumed on a graphics card."""

from pathlib import Path

import pytest
import torch

import tutelage
from tests.contract.examples import TASKS
from tutelage.core import layout
from tutelage.run.run import Run
from tutelage.training.checkpoint import checkpoints

STEPS = 6


@pytest.mark.gpu
@pytest.mark.parametrize("kind", sorted(TASKS))
def test_a_task_trains_on_a_card_and_goes_on_there(kind: str, tmp_path: Path) -> None:
    example = TASKS[kind]
    source = example.source(tmp_path)
    wishes = {**example.wishes, "task": {"kind": kind, **example.wishes.get("task", {})}}
    run = tutelage.train(
        source, steps=STEPS, device="cuda", out=tmp_path / "run", quiet=True, save={"every_seconds": 0}, **wishes
    )
    assert run.result["last_step"] == STEPS
    network = Run.open(run.path).predictor.network
    assert all(parameter.device.type == "cuda" for parameter in network.parameters()), "opened where it was trained"
    checkpoints(run.path)[-1].unlink()
    (run.path / layout.RESULT).unlink()
    resumed = tutelage.resume(run.path, quiet=True)
    assert resumed.result["last_step"] == STEPS
    story = (run.path / layout.EVENTS).read_text(encoding="utf-8")
    if not torch.are_deterministic_algorithms_enabled():
        assert "CUDA kernels without deterministic mode" in story
