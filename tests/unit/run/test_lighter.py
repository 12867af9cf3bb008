"""A trial evaluates fewer rows where all of them take long, and tells what all of them take."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tutelage.core.stopwatch import Stopwatch
from tutelage.planning.recipe import recipe_from
from tutelage.run import lighter
from tutelage.run.estimating import estimate_training
from tutelage.run.lighter import Lighter, fit_floor
from tutelage.run.start import Request
from tutelage.task.beside import Beside

WISHES: dict[str, Any] = {"batch_size": 64, "precision": "float32", "compile": "none", "floor": "none"}


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))


class SlowToAnswer(nn.Module):
    """Takes long for each row where nothing is learned."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.linear, self.seconds, self.answered = nn.Linear(16, 3), seconds, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs [B, 3]."""
        if not self.training:
            time.sleep(self.seconds * len(x))
        return self.linear(x)


def tried(monkeypatch: pytest.MonkeyPatch, *, seconds: float, **budget: Any) -> Any:
    """Try a training of 1,200 rows, of which 240 are validated and 600 tested."""
    for name, value in (("VALIDATION_SECONDS", 0.4), ("TEST_SECONDS", 0.4), ("BATCH_SECONDS", 0.4)):
        monkeypatch.setattr(lighter, name, value)
    drawn = np.random.default_rng(0)
    data = drawn.normal(size=(1200, 16)).astype(np.float32), drawn.integers(0, 3, 1200)
    parts = {"validation": 0.4, "test": 0.5}
    recipe = recipe_from({"budget": budget or {"steps": 30}, **WISHES, "split": parts}, where="test")
    return estimate_training(Request(recipe, data=data, module=SlowToAnswer(seconds)), report=lambda _: None)


@pytest.mark.slow
def test_long_evaluations_are_cut_short_and_told_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    found = tried(monkeypatch, seconds=0.008)
    assert found.plan.num_validation == 240
    # 50 rows of 8 ms instead of 240.
    assert 0.1 < found.pilot.share < 0.3
    assert found.pilot.evaluations[-1] < 1
    assert found.measured.evaluation == pytest.approx(240 * 0.008, rel=0.25)
    assert found.measured.once["scoring"] == pytest.approx(840 * 0.008, rel=0.4)
    # Calibrators are fitted to what the network says of the validation rows.
    assert found.measured.once["deciding"] > 0.7 * 240 * 0.008


def test_short_evaluations_are_left_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tried(monkeypatch, seconds=0.0).pilot.share == 1


@pytest.mark.slow
def test_a_time_budget_plans_by_whole_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tried(monkeypatch, seconds=0.002, time="20s").pilot.share == 1


class Part:
    """An evaluator of so many rows."""

    def __init__(self, count: int, *, is_whole: bool = False) -> None:
        self.count, self.is_whole = count, is_whole

    def __len__(self) -> int:
        return self.count

    def some(self, count: int) -> "Part":
        """Return fewer rows, where there are more."""
        return self if self.is_whole else Part(min(count, self.count))


@pytest.mark.parametrize(("share", "test", "left_out"), [(1.0, 8000, 5500), (0.5, 8000, 6500), (0.5, 100, 1000)])
def test_scoring_takes_longer_by_the_rows_that_are_left_out(share: float, test: int, left_out: int) -> None:
    problem: Any = SimpleNamespace(validation=Part(1000), test=Part(test), beside=None, mirroring=None)
    plan: Any = None
    more = Lighter(plan, plan, share).shorten(problem, per_row=0.001)
    assert len(problem.test) == min(test, 2500)
    assert more == pytest.approx({"scoring": left_out * 0.001, "deciding": 1000 * (1 / share - 1) * 0.001})


@pytest.mark.parametrize(("is_on", "answering"), [(False, 0.001), (True, 0.002)])
def test_mirror_images_are_answered_for_too(is_on: bool, answering: float) -> None:
    mirrors = SimpleNamespace(is_on=is_on, passes=3)
    problem: Any = SimpleNamespace(validation=Part(1000), test=None, beside=None, mirroring=mirrors)
    plan: Any = None
    more = Lighter(plan, plan, 0.5).shorten(problem, per_row=0.001)
    assert more == pytest.approx({"scoring": 1000 * answering, "deciding": 1000 * (answering + 0.003)})


def test_what_cannot_be_cut_short_is_scored_whole() -> None:
    problem: Any = SimpleNamespace(validation=Part(1000), test=Part(8000, is_whole=True), beside=None, mirroring=None)
    plan: Any = None
    assert Lighter(plan, plan).shorten(problem, per_row=1.0) == {"scoring": 0, "deciding": 0}
    assert len(problem.test) == 8000


class Train(Part):
    """Train rows, which are also what a floor is fitted to."""

    truth = np.zeros(1)

    @property
    def part(self) -> "Train":
        return self

    def some(self, count: int) -> "Train":
        """Return fewer rows, where there are more."""
        return Train(min(count, self.count))

    def renamed(self, name: str) -> "Train":
        """Return itself."""
        return self


class Floor:
    """Takes so many seconds, and so many for each row."""

    needs_lens = False

    def __init__(self, clock: list[float], *, fixed: float, each: float) -> None:
        self.clock, self.fixed, self.each, self.rows = clock, fixed, each, 0

    def fit(self, part: Any, truth: Any, **_: Any) -> Any:
        """Take note of the rows, and let time pass."""
        self.rows = len(part)
        self.clock[0] += self.fixed + self.each * self.rows
        return SimpleNamespace(answers=lambda _: None)


@pytest.mark.parametrize(("is_tried", "each", "fitted"), [(True, 0.004, 2000), (True, 0.001, 16_000), (False, 0.004, 16_000)])
def test_a_slow_floor_is_fitted_to_a_part_of_the_rows_of_a_trial(is_tried: bool, each: float, fitted: int) -> None:
    clock = [0.0]
    floor: Any = Floor(clock, fixed=0.5, each=each)
    watch = Stopwatch(started=0.0, now=lambda: clock[0])
    data: Any = SimpleNamespace(train=Train(16_000), target=SimpleNamespace(classes=("a", "b")))
    beside = Beside(floor, data, 0)
    fit_floor(beside, watch, is_tried=is_tried)
    assert floor.rows == fitted
    assert watch.seconds["floor"] == pytest.approx(0.5 + 16_000 * each)
