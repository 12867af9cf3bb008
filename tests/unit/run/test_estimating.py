"""A training is tried to know how long it takes: every part is there, and nothing of it is left."""

import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tutelage.core.errors import RunError, UsageError
from tutelage.foresight.history import History
from tutelage.planning.recipe import recipe_from
from tutelage.run import estimating
from tutelage.run.elsewhere import Where
from tutelage.run.estimate import Estimate, estimate_of
from tutelage.run.estimating import estimate_resume, estimate_training
from tutelage.run.run_schedule import course_of
from tutelage.run.start import Request, plan_training, start_training
from tutelage.training.control import Control


def nothing(folder: Path) -> None:
    """Stand in for the report, which another room writes."""


HERE = Where()


def tried(where: Where = HERE, **wishes: object) -> Estimate:
    request = Request(recipe_from({"source": "sklearn:iris", **wishes}, where="test"))
    return estimate_of(estimate_training(request, report=nothing, most_seconds=0.2), where)


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_a_trial_leaves_no_folder(tmp_path: Path) -> None:
    tried(budget={"steps": 30})
    # torch has a cache of its own.
    assert not [path for path in tmp_path.iterdir() if "tutelage" in path.name or path.name == "runs"]


class Interrupts(nn.Linear):
    """Ends its process by Ctrl-C while it learns."""

    looks = 0

    def forward(self, x: Tensor) -> Tensor:
        """Count."""
        self.looks += self.training
        if self.looks == 40:
            os.kill(os.getpid(), signal.SIGINT)
        return super().forward(x)


ROWS = (np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32), np.arange(200) % 2)


def test_an_own_module_is_left_as_it_was() -> None:
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    request = Request(recipe_from({"budget": {"steps": 50}}, where="test"), data=ROWS, module=module)
    assert estimate_training(request, report=nothing, most_seconds=0.2).measured.pace.seconds > 0
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert module.training


def test_a_module_that_cannot_be_copied_is_refused_before_anything_is_trained() -> None:
    module = nn.Linear(4, 2)
    module.lock = threading.Lock()  # type: ignore[assignment]
    request = Request(recipe_from({"budget": {"steps": 50}}, where="test"), data=ROWS, module=module)
    with pytest.raises(UsageError, match=r"the module Linear cannot be copied .TypeError: .*An estimate trains a copy"):
        estimate_training(request, report=nothing)


def test_a_trial_that_is_interrupted_says_nothing_and_is_not_remembered(tmp_path: Path) -> None:
    request = Request(recipe_from({"budget": {"steps": 5_000}}, where="test"), data=ROWS, module=Interrupts(4, 2))
    with pytest.raises(KeyboardInterrupt):
        estimate_training(request, report=nothing, most_seconds=30)
    log = tmp_path / "cache" / "forecasts.jsonl"
    assert "pace" not in (log.read_text(encoding="utf-8") if log.exists() else "")


def test_the_parts_of_a_run_are_all_told() -> None:
    found = tried(budget={"steps": 100_000}, stopping={"patience": 1})
    assert found.steps == 100_000
    assert {"reading", "preparing", "planning", "steps", "evaluations", "scoring"} <= set(found.time.parts)
    assert found.seconds == pytest.approx(sum(found.time.parts.values()), rel=0.05)
    assert found.time.parts["steps"] > 0.5 * found.seconds


def test_steps_take_their_pace_as_often_as_they_are_made() -> None:
    found = tried(budget={"steps": 20_000}, stopping={"patience": 1})
    assert found.time.parts["steps"] == pytest.approx(20_000 * found.details["pace"]["seconds"])


def test_checkpoints_are_taken_by_the_number_of_those_that_the_trial_made() -> None:
    request = Request(
        recipe_from({"source": "sklearn:iris", "budget": {"steps": 400}, "save": {"every_seconds": 0}}, where="test")
    )
    found = estimate_training(request, report=nothing, most_seconds=0.2)
    watch = found.pilot.emitter.stopwatch
    assert watch.counts["checkpoints"] > 10
    assert found.measured.checkpoint == pytest.approx(watch.seconds["checkpoints"] / watch.counts["checkpoints"])
    assert found.measured.once["saving"] == pytest.approx(2 * found.measured.checkpoint)
    assert found.run_time().parts["checkpoints"] == pytest.approx(400 * found.measured.checkpoint)


def outcomes(folder: Path) -> list[dict[str, Any]]:
    return [line for line in History(folder / "cache").lines() if str(line.get("kind", "")).startswith("tried")]


def test_a_trial_is_scored_by_the_training_that_follows_and_its_outcomes_make_the_next_one_as_wide(tmp_path: Path) -> None:
    wishes = {"source": "sklearn:iris", "budget": {"steps": 60}, "stopping": {"patience": 1}}
    request = Request(recipe_from(wishes, where="test"))
    found = estimate_training(request, report=nothing, most_seconds=0.2)
    assert outcomes(tmp_path) == []
    folder = start_training(replace(request, out=str(tmp_path / "run"), started=time.monotonic()))
    start_training(replace(request, out=str(tmp_path / "again"), started=time.monotonic()))
    # Once: the second training was told by the first.
    (line,) = outcomes(tmp_path)
    assert line["kind"] == "tried"
    assert line["actual"] == pytest.approx(
        json.loads((folder / "result.json").read_text())["foresight"]["actual_seconds"], abs=1e-2
    )
    assert line["forecast"] < found.run_time().seconds
    assert line["spread"] > 0
    narrow = found.run_time()
    for _ in range(40):
        History(tmp_path / "cache").add({"kind": "known", "forecast": 1.0, "actual": 1.0, "spread": 0.1})
    assert found.run_time() == narrow
    for _ in range(40):
        History(tmp_path / "cache").add({"kind": "tried", "forecast": 1.0, "actual": 9.0, "spread": 0.1})
    assert found.run_time().spread > 2 * narrow.unscaled


def test_a_trial_is_not_scored_by_a_training_of_other_words(tmp_path: Path) -> None:
    words = [recipe_from({"source": "sklearn:iris", "budget": {"steps": steps}}, where="test") for steps in (60, 40)]
    estimate_training(Request(words[0]), report=nothing, most_seconds=0.2)
    start_training(Request(words[1], out=str(tmp_path / "run"), started=time.monotonic()))
    assert outcomes(tmp_path) == []


def test_a_time_budget_is_kept_whatever_steps_take() -> None:
    found = tried(budget={"time": 30})
    assert found.budget_seconds == 30
    # Not all of it is needed where so many steps as are useful fit into less.
    assert 0 < found.time.interval_80[1] <= 30
    assert found.steps > 100
    assert sum(found.time.parts.values()) == pytest.approx(found.seconds, rel=0.02)


def test_parts_work_and_ideal_are_those_of_the_end_that_is_expected() -> None:
    found = tried(budget={"steps": 200_000}, stopping={"patience": 0.05})
    assert found.endings is not None
    whole = 200_000 * found.details["pace"]["seconds"]
    assert found.seconds < 0.95 * whole, "it is expected to stop early"
    assert sum(found.time.parts.values()) == pytest.approx(found.seconds, rel=0.02)
    fixed = tried(budget={"steps": 200_000}, stopping={"patience": 1})
    assert found.flops is not None
    assert fixed.flops is not None
    # The median of the share and that of the time are of the same draws, but times are unsure beside.
    assert found.flops == pytest.approx(fixed.flops * found.time.parts["steps"] / whole, rel=0.2)
    assert found.flops < 0.95 * fixed.flops


def test_the_record_has_the_documented_keys() -> None:
    record = tried(budget={"steps": 50}).record()
    keys = ("ideal_seconds", "seconds", "interval_50", "interval_80", "flops", "bytes", "coverage", "memory_bytes", "fits")
    assert set(keys) | {"energy_joules", "cost", "parts", "causes"} <= set(record)


def test_a_run_that_goes_on_has_only_its_last_steps_left(tmp_path: Path) -> None:
    wishes = {"source": "sklearn:iris", "budget": {"steps": 200}, "stopping": {"patience": 1}, "save": {"every_seconds": 0}}
    request = Request(recipe_from(wishes, where="test"), out=str(tmp_path / "run"))
    folder = start_training(request)
    (folder / "result.json").unlink()
    newest = sorted((folder / "steps").iterdir())
    newest[-1].unlink()
    with (folder / "manifest.jsonl").open() as file:
        kept = [line for line in file if "result.json" not in line]
    (folder / "manifest.jsonl").write_text("".join(kept))
    left = estimate_of(estimate_resume(folder, request, report=nothing)).steps
    assert 0 < left < 200


def finished(tmp_path: Path) -> tuple[Path, Request]:
    request = Request(recipe_from({"source": "sklearn:iris", "budget": {"steps": 4}}, where="test"), out=str(tmp_path / "run"))
    return start_training(request), request


def test_a_run_that_has_ended_has_nothing_left_to_forecast(tmp_path: Path) -> None:
    folder, request = finished(tmp_path)
    with pytest.raises(RunError, match="has ended, so there is nothing left to forecast"):
        estimate_resume(folder, request, report=nothing)


def test_what_is_damaged_is_told_of_the_run_and_not_of_its_copy(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "plan.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError) as error:
        estimate_resume(tmp_path / "run", Request(recipe_from({}, where="test")), report=nothing)
    assert str(tmp_path / "run") in str(error.value)
    assert "tutelage-estimate-" not in str(error.value)


def test_what_lies_in_a_run_and_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    folder, request = finished(tmp_path)
    os.mkfifo(folder / "pipe")
    (folder / "endless").symlink_to("/dev/zero")
    with pytest.raises(RunError, match="has ended"):
        estimate_resume(folder, request, report=nothing)


def test_of_a_run_that_goes_on_the_rhythm_is_that_of_what_was_planned_at_first() -> None:
    plan = plan_training(Request(recipe_from({"source": "sklearn:iris", "budget": {"steps": 1000}}, where="test")))[0]
    saved: Any = SimpleNamespace(checkpoint={"control": Control(1000).begun().corrected(100, 700).state()})
    pilot: Any = SimpleNamespace(plan=plan, first_step=500, total_steps=700)
    assert estimating._rhythm(saved, pilot) == course_of(plan, 1000)
    pilot.first_step = 0
    assert estimating._rhythm(saved, pilot) == course_of(plan, 700)


def test_what_is_gone_while_a_run_is_copied_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, request = finished(tmp_path)
    (folder / "written.tmp").write_text("x", encoding="utf-8")
    look = os.lstat

    def looking(path: str, **words: Any) -> os.stat_result:
        if str(path).endswith("written.tmp"):
            Path(path).unlink(missing_ok=True)
        return look(path, **words)

    monkeypatch.setattr(os, "lstat", looking)
    with pytest.raises(RunError, match="has ended"):
        estimate_resume(folder, request, report=nothing)


def test_a_run_that_cannot_be_copied_is_refused_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, request = finished(tmp_path)

    look = os.lstat

    def refuse(path: str, **words: Any) -> os.stat_result:
        if str(path).startswith(str(folder)):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path, **words)

    monkeypatch.setattr(os, "lstat", refuse)
    with pytest.raises(RunError, match=r"cannot be copied to .* for the trial: .*Permission denied"):
        estimate_resume(folder, request, report=nothing)


def test_on_a_card_that_is_not_here_steps_take_less_and_reading_as_long() -> None:
    large = {"budget": {"steps": 1000}, "stopping": {"patience": 1}, "batch_size": 100}
    found = tried(Where("A100", price=3.6), **large)
    assert found.hardware.startswith("NVIDIA A100")
    assert found.energy_joules is not None
    assert found.cost == pytest.approx(found.seconds / 1000, rel=0.05)
    assert found.memory_bytes is not None
    assert found.fits


def test_many_devices_share_each_batch_so_that_steps_and_epochs_stay() -> None:
    one, four = (tried(Where("A100", devices=count), budget={"steps": 1000}) for count in (1, 4))
    assert (one.steps, four.steps) == (1000, 1000)
    assert four.epochs == pytest.approx(one.epochs)


def test_what_a_step_computes_is_counted() -> None:
    found = tried(budget={"steps": 50})
    assert found.flops is not None
    assert found.flops > 0
    assert found.coverage is not None
    assert found.ideal_seconds is not None
    assert found.ideal_seconds < found.seconds
