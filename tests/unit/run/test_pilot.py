"""A training that is tried is watched on a card as on a processor: every evaluation is seen, every step counted once."""

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tutelage.planning.plan import Plan
from tutelage.planning.recipe import recipe_from
from tutelage.run import pilot
from tutelage.run.estimating import estimate_training
from tutelage.run.pilot import Pilot
from tutelage.run.start import Request
from tutelage.training.state import TrainState

WISHES: dict[str, Any] = {"batch_size": 64, "precision": "float32", "compile": "none", "floor": "none", "calibrate": "none"}


class Card:
    """A plan that says `cuda`; all else is that of the training, which computes on the processor."""

    device = "cuda"

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plan, name)


@pytest.fixture(autouse=True)
def _apart(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def pilots(monkeypatch: pytest.MonkeyPatch) -> list[Pilot]:
    """Every pilot that is made, each of which believes to watch a card."""
    made: list[Pilot] = []
    look = Pilot._look_at

    def on_card(self: Pilot, state: TrainState) -> None:
        made[:] = [self]
        plan = self.plan
        assert plan is not None
        self.plan = Card(plan)  # type: ignore[assignment]
        try:
            look(self, state)
        finally:
            self.plan = plan

    monkeypatch.setattr(Pilot, "_look_at", on_card)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: None)
    return made


def test_evaluations_are_seen_one_by_one_on_a_card(pilots: list[Pilot]) -> None:
    # Without a learning curve to follow: only those at the end of the trial.
    wishes = {"source": "sklearn:digits", "budget": {"steps": 3000}, "stopping": {"patience": 1}, "model": "mlp", **WISHES}
    request = Request(recipe_from(wishes, where="test"))
    found = estimate_training(request, report=lambda _: None, most_seconds=3.0).pilot
    assert len(found.evaluations) >= pilot.EVALUATIONS
    assert pilots == [found]
    assert len(found.times) == found.next_step - 1 - found.first_step


def watched(monkeypatch: pytest.MonkeyPatch, *, begin: int, end: int, seconds: float) -> Pilot:
    """Return what a pilot has seen of the steps from `begin` on, each of which took so many seconds on a card."""
    clock = SimpleNamespace(step=begin, now=0.0)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: None)
    monkeypatch.setattr(pilot.time, "monotonic", lambda: clock.now)
    stopwatch = SimpleNamespace(seconds={})
    evaluate: Any = SimpleNamespace(seconds_spent=0.0, next_step=10**9, last_metrics={"val/loss": 1.0})
    plan: Any = SimpleNamespace(device="cpu", watched="loss", patience=1, until=None)
    control = SimpleNamespace(total_steps=end, last_evaluation=0)
    task = SimpleNamespace(num_opening=0, rhythm=(("fit",),))
    state: Any = SimpleNamespace(clock=clock, control=control, task=task, stream=SimpleNamespace())
    emitter: Any = SimpleNamespace(stopwatch=stopwatch)
    watching = Pilot().join(plan, evaluate, emitter, 10)
    plan.device = "cuda"
    while clock.step < end:
        clock.step, clock.now = clock.step + 1, clock.now + seconds
        watching._look_at(state)
    return watching


@pytest.mark.parametrize("end", [1003, 1004, 1007, 1013, 1030])
def test_a_resumed_run_counts_each_step_once_on_a_card(monkeypatch: pytest.MonkeyPatch, end: int) -> None:
    found = watched(monkeypatch, begin=1002, end=end, seconds=0.25)
    assert found.times == pytest.approx([0.25] * (end - 1002))
    assert found.pace().seconds == pytest.approx(0.25)


def test_where_no_step_was_made_there_is_a_pace_all_the_same() -> None:
    assert Pilot().pace().seconds == 0
    assert Pilot(opening_times=[0.5, 0.5]).pace().seconds == pytest.approx(0.5)


class Slow(nn.Module):
    """Takes long to learn."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.linear, self.seconds = nn.Linear(16, 3), seconds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs [B, 3]."""
        if self.training:
            time.sleep(self.seconds)
        return self.linear(x)


@pytest.mark.slow
def test_long_steps_are_few() -> None:
    drawn = np.random.default_rng(0)
    data = drawn.normal(size=(300, 16)).astype(np.float32), drawn.integers(0, 3, 300)
    recipe = recipe_from({"budget": {"steps": 1000}, **WISHES, "batch_size": 32}, where="test")
    # As steps of 8 s beside the 12 s that are usual.
    tried = estimate_training(Request(recipe, data=data, module=Slow(0.4)), report=lambda _: None, most_seconds=0.6)
    found = tried.pilot.record()
    # Three for the pace, one of which may have built kernels, and at most one before the last evaluation.
    assert 3 <= found["steps_measured"] <= 4
    assert 1 <= len(found["evaluations"]) < pilot.EVALUATIONS
    assert found["apart"] is None
    assert found["pace"]["seconds"] == pytest.approx(0.4, rel=0.2)
