"""A trial evaluates fewer rows where all of them take long, and tells what all of them take."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tutelage.planning.recipe import recipe_from
from tutelage.run import fewer_rows
from tutelage.run.estimating import Tried, estimate_resume, estimate_training
from tutelage.run.fewer_rows import FewerRows
from tutelage.run.start import Request, start_training
from tutelage.training import calibrating

WISHES: dict[str, Any] = {"batch_size": 64, "precision": "float32", "compile": "none", "floor": "none"}
ROW_SECONDS = 0.0016


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    for name, value in (("VALIDATION_SECONDS", 0.16), ("TEST_SECONDS", 0.16), ("BATCH_SECONDS", 0.16), ("SOON_SECONDS", 0.16)):
        monkeypatch.setattr(fewer_rows, name, value)


class SlowToAnswer(nn.Module):
    """Takes long for each row where nothing is learned."""

    def __init__(self, seconds: float = ROW_SECONDS) -> None:
        super().__init__()
        self.linear, self.seconds = nn.Linear(16, 3), seconds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs [B, 3]."""
        if not self.training:
            time.sleep(self.seconds * len(x))
        return self.linear(x)


def rows(count: int) -> tuple[np.ndarray, np.ndarray]:
    drawn = np.random.default_rng(0)
    return drawn.normal(size=(count, 16)).astype(np.float32), drawn.integers(0, 3, count)


def tried(count: int, *, seconds: float = ROW_SECONDS, **wishes: Any) -> Tried:
    """Try a training of so many rows, half of which are tested, and two fifths of the others validated."""
    parts = {"validation": 0.4, "test": 0.5}
    recipe = recipe_from({"budget": {"steps": 30}, **WISHES, "split": parts, **wishes}, where="test")
    return estimate_training(Request(recipe, data=rows(count), module=SlowToAnswer(seconds)), report=lambda _: None)


def in_full(monkeypatch: pytest.MonkeyPatch, count: int, **wishes: Any) -> Tried:
    """Try the same, and leave nothing out."""
    monkeypatch.setattr(fewer_rows, "VALIDATION_SECONDS", 1e9)
    monkeypatch.setattr(fewer_rows, "TEST_SECONDS", 1e9)
    return tried(count, **wishes)


@pytest.mark.slow
def test_long_evaluations_are_cut_short_and_told_as_a_whole() -> None:
    found = tried(1200)
    assert found.plan.num_validation == 240
    # 100 rows of 1.6 ms instead of 240.
    assert found.pilot.rows is not None
    assert 100 < found.pilot.rows.watched < 180
    assert found.pilot.evaluations[-1] < 0.3
    assert found.measured.evaluation == pytest.approx(240 * ROW_SECONDS, rel=0.25)
    # What does not depend on rows, such as intervals, takes some tenths of a second.
    assert 0.8 * 840 * ROW_SECONDS < found.measured.once["scoring"] < 840 * ROW_SECONDS + 1.5
    # Most of it was not waited for: some 140 validation rows and 500 test rows.
    assert found.pilot.unseen["scoring"] > 0.6 * 640 * ROW_SECONDS
    assert found.pilot.unseen["deciding"] > 0.6 * 140 * ROW_SECONDS
    # Calibrators are fitted to what the network says of the validation rows.
    assert found.measured.once["deciding"] > 0.7 * 240 * ROW_SECONDS


@pytest.mark.slow
def test_rows_that_are_kept_for_calibration_are_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # 1,000 validation rows, half of which are kept from early stopping.
    monkeypatch.setattr(calibrating, "LEAST_APART", 500)
    monkeypatch.setattr(calibrating, "LEAST_ROWS", 300)
    told, whole = tried(5000, seconds=0.0004), in_full(monkeypatch, 5000, seconds=0.0004)
    assert told.pilot.rows is not None
    assert told.pilot.rows.watched > 0
    assert whole.pilot.rows is not None
    assert whole.pilot.rows.watched == whole.pilot.rows.held == 0
    for part in ("deciding", "scoring"):
        assert told.measured.once[part] == pytest.approx(whole.measured.once[part], rel=0.4, abs=0.3), part
    assert told.measured.evaluation == pytest.approx(whole.measured.evaluation, rel=0.3)


@pytest.mark.slow
def test_few_validation_rows_say_nothing_of_what_a_test_row_takes() -> None:
    class Large(SlowToAnswer):
        """Has many weights, which an evaluation copies."""

        def __init__(self) -> None:
            super().__init__(0.0)
            self.table = nn.Parameter(torch.zeros(5_000_000))

    recipe = recipe_from({"budget": {"steps": 10}, **WISHES, "split": {"validation": 20, "test": 0.5}}, where="test")
    found = estimate_training(Request(recipe, data=rows(4000), module=Large()), report=lambda _: None)
    assert found.pilot.rows is not None
    assert not found.pilot.unseen
    assert found.measured.once["scoring"] < 2


@pytest.mark.slow
def test_a_run_that_goes_on_leaves_rows_out_too(tmp_path: Path) -> None:
    parts = {"validation": 0.4, "test": 0.5}
    wishes = {"budget": {"steps": 30}, "save": {"every_seconds": 0}, "stopping": {"patience": 1}, **WISHES, "split": parts}
    request = Request(recipe_from(wishes, where="test"), data=rows(1200), module=SlowToAnswer(), out=str(tmp_path / "run"))
    folder = start_training(request)
    # As if it had been killed before its last steps.
    (folder / "result.json").unlink()
    max((folder / "steps").iterdir()).unlink()
    lines = (folder / "manifest.jsonl").read_text().splitlines(keepends=True)
    (folder / "manifest.jsonl").write_text("".join(line for line in lines if "result.json" not in line))
    found = estimate_resume(folder, request, report=lambda _: None)
    assert found.pilot.rows is not None
    assert found.pilot.rows.watched > 100
    assert 0.8 * 840 * ROW_SECONDS < found.measured.once["scoring"] < 840 * ROW_SECONDS + 1.5


def test_short_evaluations_are_left_whole() -> None:
    found = tried(1200, seconds=0.0)
    assert found.pilot.rows is not None
    assert (found.pilot.rows.watched, found.pilot.rows.held) == (0, 0)


@pytest.mark.slow
def test_a_time_budget_plans_by_whole_evaluations() -> None:
    found = tried(1200, seconds=0.001, budget={"time": "5s"})
    assert found.pilot.rows is not None
    assert (found.pilot.rows.per_row, found.pilot.rows.watched) == (0, 0)


class Part:
    """An evaluator of so many rows."""

    def __init__(self, count: int, *, is_whole: bool = False) -> None:
        self.count, self.is_whole = count, is_whole

    def __len__(self) -> int:
        return self.count

    def some(self, count: int) -> "Part":
        """Return fewer rows, where there are more."""
        return self if self.is_whole else Part(min(count, self.count))


NOBODY: Any = None
FLOOR = SimpleNamespace(per_row=0.0005)


def told(test: Part | None, *, floor: Any = None, mirrors: Any = None, watched: int = 0, held: int = 0) -> dict[str, float]:
    """Return what is told of rows that take a millisecond each."""
    problem: Any = SimpleNamespace(test=test, beside=floor, mirroring=mirrors)
    return dict(FewerRows(NOBODY, NOBODY, 0.001, watched=watched, held=held).shorten_test(problem))


def test_scoring_takes_longer_by_the_rows_that_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fewer_rows, "TEST_SECONDS", 2.5)
    assert told(Part(8000), watched=1000) == pytest.approx({"scoring": 6.5, "deciding": 1.0})
    assert told(Part(100), watched=1000) == pytest.approx({"scoring": 1.0, "deciding": 1.0})
    assert told(Part(8000, is_whole=True)) == {"scoring": 0, "deciding": 0}
    assert told(None) == {"scoring": 0, "deciding": 0}


def test_who_answers_for_which_rows_is_counted() -> None:
    # Calibrators are fitted to rows of their own, and without a floor nobody asks about the others.
    assert told(None, watched=1000, held=500) == pytest.approx({"scoring": 1.0, "deciding": 0.5})
    assert told(None, watched=1000, held=500, floor=FLOOR) == pytest.approx({"scoring": 1.5, "deciding": 2.25})
    assert told(None, watched=1000, floor=FLOOR) == pytest.approx({"scoring": 1.5, "deciding": 1.5})
    for is_on, answering in ((False, 1.0), (True, 2.0)):
        mirrors = SimpleNamespace(is_on=is_on, passes=3)
        assert told(None, watched=1000, mirrors=mirrors) == pytest.approx({"scoring": answering, "deciding": answering + 3})
