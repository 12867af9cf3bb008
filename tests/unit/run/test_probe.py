"""A time that is too short is told with what is needed."""

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tutelage
from tutelage.core import layout
from tutelage.run.probe import PER_ROW, _seconds_per_row, _time_evaluation, _time_steps, too_short
from tutelage.run.timed import Timed
from tutelage.training.checkpoint import checkpoints, load_checkpoint


def test_the_time_that_is_needed_is_what_was_measured() -> None:
    plan: Any = SimpleNamespace(time_seconds=40.0)
    beside = SimpleNamespace(reserve_seconds=10.0)
    problem = SimpleNamespace(
        validation=range(100), test=range(50), beside=beside, reserve=lambda per_row: 20 * per_row, mirroring=None
    )
    composed: Any = SimpleNamespace(problem=problem)
    said = too_short(plan, composed, 0.1, passed=30.0)
    # 30 s before, 25 s for 250 rows, 10 s for the floor, 2 s to decide, 1.5 s for the report, and 3 % for noise.
    assert said.startswith("40 s are too short: reading, evaluating and reporting alone take about 71 s here.")
    assert said.endswith("--time 213s.")


def test_what_is_done_once_before_the_first_evaluation_is_not_counted_for_each_row() -> None:
    class Slow:
        """Takes long the first time, unless it was made ready."""

        is_ready = False

        def __len__(self) -> int:
            return 2

        def ready(self) -> None:
            time.sleep(0.5 * (not self.is_ready))
            self.is_ready = True

        def __call__(self, task: Any) -> dict[str, float]:
            self.ready()
            return {}

    composed: Any = SimpleNamespace(problem=SimpleNamespace(validation=Slow()), state=SimpleNamespace(task=None))
    assert _time_evaluation(composed) < 0.1


class Waiting:
    """Takes a time of its own, and some for each row."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return self.rows

    def ready(self) -> None: ...

    def __call__(self, task: Any) -> dict[str, float]:
        time.sleep(0.1 + 0.002 * self.rows)
        return {}


def test_of_few_rows_what_comes_once_is_no_rows_price() -> None:
    plan: Any = SimpleNamespace(time_seconds=60.0, task=SimpleNamespace(plays=False))
    problem = SimpleNamespace(validation=Waiting(5), train=lambda: Waiting(85))
    composed: Any = SimpleNamespace(problem=problem, state=SimpleNamespace(task=None, mesh=SimpleNamespace(world=1)))
    assert _seconds_per_row(plan, composed, 0.11) == pytest.approx(0.002, rel=0.3)
    # Episodes are no rows; nor is there time for train rows, where one takes a second.
    plays: Any = SimpleNamespace(time_seconds=60.0, task=SimpleNamespace(plays=True))
    assert _seconds_per_row(plays, composed, 0.11) == pytest.approx(0.022)
    assert _seconds_per_row(plan, composed, 5.0) == pytest.approx(1.0)


def test_long_steps_are_probed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, composed = probed(monkeypatch, [3.0] * 30)
    assert _time_steps(plan(8.0), composed, 0) == Timed((3.0,))
    # Twice the share with the steps that warm up, the first one left out.
    plan, composed = probed(monkeypatch, [5.0] + [0.2] * 30)
    assert len(_time_steps(plan(8.0), composed, 0).times) == 3
    plan, composed = probed(monkeypatch, [5.0] + [0.01] * 40)
    assert len(_time_steps(plan(60.0), composed, 0).times) == 20


def test_whole_periods_are_probed_wherever_they_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    rhythm = [1.0, *[0.1] * 63]
    plan, composed = probed(monkeypatch, [5.0, *rhythm[1:], *rhythm * 3])
    found = _time_steps(plan(10_000.0), composed, 64)
    assert (len(found.times), found.period) == (128, 64)
    assert sum(found.times) / 128 == pytest.approx(sum(rhythm) / 64)
    pace = found.pace()
    assert pace is not None
    assert pace.seconds == pytest.approx(sum(rhythm) / 64)
    # There is no time for the second one, or for any.
    plan, composed = probed(monkeypatch, [5.0, *rhythm[1:], *rhythm * 3])
    found = _time_steps(plan(300.0), composed, 64)
    assert (len(found.times), found.period) == (64, 64)
    plan, composed = probed(monkeypatch, [5.0, *rhythm[1:], *rhythm * 3])
    assert _time_steps(plan(30.0), composed, 64).period == 0


def probed(monkeypatch: pytest.MonkeyPatch, seconds: list[float]) -> tuple[Any, Any]:
    """Return a maker of plans by their time budget, and a training whose steps take so many seconds."""
    monkeypatch.setattr("tutelage.run.probe.step_seconds", lambda _composed, **_: iter(seconds))
    composed = SimpleNamespace(state=SimpleNamespace(mesh=SimpleNamespace(agree=lambda value: value)))
    return lambda budget: SimpleNamespace(time_seconds=budget), composed


def test_a_budget_with_few_validation_rows_and_many_test_rows_is_not_spent_on_them(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 20_040)
    pixels = random.integers(0, 100, (20_040, 8, 8, 1), dtype=np.uint8) + (labels * 100).astype(np.uint8)[:, None, None, None]
    few, many = (pixels[:40], labels[:40]), (pixels[40:], labels[40:])
    run = tutelage.train(few, test=many, split={"validation": 3}, time="12s", quiet=True, out=tmp_path / "run")
    found = load_checkpoint(checkpoints(run.path)[-1]).values["outside"][PER_ROW]
    points = [json.loads(line) for line in (run.path / layout.METRICS).read_text().splitlines()]
    num_evaluations = sum("val/loss" in point for point in points)
    # An evaluation of three rows is anything but three rows.
    assert 3 * found < run.result["seconds_by_part"]["evaluations"] / num_evaluations / 3
