"""The forecast is told again after a tenth of a run that may end early, and scored at its end."""

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import tutelage
from tests.stand_ins import Told, small_training
from tutelage.core import layout
from tutelage.core.emitter import Emitter
from tutelage.core.events import Warned
from tutelage.foresight import told
from tutelage.foresight.run_time import Measured, RunTime, Schedule
from tutelage.optim.adamw import AdamW
from tutelage.planning.recipe import recipe_from
from tutelage.run import second_forecast
from tutelage.run.files import RunFiles, tell_nobody
from tutelage.run.second_forecast import SecondForecast
from tutelage.run.start import Request, plan_training, resume_training
from tutelage.training import course
from tutelage.training.control import Control


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))


def trained(folder: Path, **wishes: Any) -> tutelage.Run:
    wishes = {"model": "mlp", "steps": 100, "floor": "none", **wishes}
    return tutelage.train("sklearn:iris", quiet=True, out=folder, **wishes)


def events(run: tutelage.Run, name: str) -> list[dict[str, Any]]:
    lines = (json.loads(line) for line in (run.path / layout.EVENTS).read_text().splitlines())
    return [line for line in lines if line["event"] == name]


def test_a_run_that_may_stop_early_tells_its_end_again_and_scores_it(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", stopping={"patience": 0.3}, until="accuracy=1.0")
    second, told = run.result["foresight"]["second"], events(run, "Forecast")
    assert [event["step"] for event in told] == [0, second["step"]]
    assert second["step"] == 10
    assert 0 <= second["endings"]["never"] <= 1
    assert second["interval_80"][0] <= second["seconds"] <= second["interval_80"][1]
    assert (second["actual_steps"], second["actual_seconds"]) == (
        run.result["last_step"],
        run.result["foresight"]["actual_seconds"],
    )
    assert {event["step"] for event in events(run, "ForecastScored")} == {0, second["step"]}


def test_a_run_whose_first_score_comes_later_than_a_tenth_is_told_again_at_that_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "MAX_EVALUATIONS", 5)
    run = trained(tmp_path / "run", stopping={"patience": 0.3}, until="accuracy=1.0")
    assert [event["step"] for event in events(run, "Forecast")] == [0, 20]
    assert run.result["foresight"]["second"]["step"] == 20


def test_the_first_checkpoint_has_passed_and_those_made_say_what_the_others_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[Measured]()
    forecast = second_forecast.run_time

    def forecasting(measured: Measured, schedule: Schedule, **named: Any) -> RunTime:
        seen.append(measured)
        return forecast(measured, schedule, **named)

    monkeypatch.setattr(second_forecast, "run_time", forecasting)
    run = trained(tmp_path / "run", stopping={"patience": 0.3}, until="accuracy=1.0", save={"every_seconds": 0})
    (measured,) = seen
    assert measured.checkpoint > 0
    assert measured.once["saving"] == measured.checkpoint
    assert set(measured.once).isdisjoint({"before", "steps", "checkpoints"})
    told = events(run, "Forecast")[-1]["parts"]
    assert told["checkpoints"] == pytest.approx((100 - 10) * measured.checkpoint, abs=1e-3)


def test_a_fixed_budget_is_told_once(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", stopping={"patience": 1})
    assert "second" not in run.result["foresight"]
    assert len(events(run, "Forecast")) == 1


def test_a_run_to_a_target_ends_there_with_the_weights_that_reached_it(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", until="accuracy=0.8", stopping={"patience": 1})
    assert run.result["stopped"] == "target"
    assert run.result["best_step"] == run.result["last_step"] < 100
    scores = [
        line["val/accuracy"]
        for line in map(json.loads, (run.path / layout.METRICS).read_text().splitlines())
        if "val/accuracy" in line
    ]
    assert scores[-1] >= 0.8
    assert all(score < 0.8 for score in scores[:-1])


def test_what_has_reached_its_target_is_not_resumed(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", until="accuracy=0.8")
    before = (run.path / layout.RESULT).read_bytes()
    resume_training(run.path, Request(tutelage.Recipe()))
    assert (run.path / layout.RESULT).read_bytes() == before


@pytest.mark.parametrize("content", [b"[]\n", b"{\n", None])
def test_a_curve_that_cannot_be_read_ends_no_training(tmp_path: Path, content: bytes | None) -> None:
    log, seen = tmp_path / layout.METRICS, Told()
    log.mkdir() if content is None else log.write_bytes(content)
    first = told.Told(seconds=9.0, interval_80=(8.0, 10.0), how="timed").record()
    assert told_again(tmp_path, first, seen) == {told.KEPT: first}
    (event,) = seen.events
    assert isinstance(event, Warned)
    assert layout.METRICS in event.message


def test_a_forecast_of_parts_that_take_for_ever_ends_no_training(tmp_path: Path) -> None:
    (tmp_path / layout.METRICS).write_text("".join(f'{{"step": {step}, "val/accuracy": 0.5}}\n' for step in (2, 4, 6, 8)))
    parts = {f"part {number}": 1e30 for number in range(99)}
    first = told.Told(seconds=1e30, interval_80=(1e30, 1e30), how="timed", parts=parts).record()
    second = told_again(tmp_path, first, Told())[told.KEPT]["second"]
    assert 1e30 < second["seconds"] < 1e34


def test_a_run_whose_end_was_drawn_near_is_told_to_end_there(tmp_path: Path) -> None:
    (tmp_path / layout.METRICS).write_text("".join(f'{{"step": {step}, "val/accuracy": 0.5}}\n' for step in (2, 4, 6, 8)))
    first = told.Told(seconds=9.0, interval_80=(8.0, 10.0), how="timed").record()
    control = Control(100).begun().cooling(30)
    second = told_again(tmp_path, first, Told(), control, stopping={"patience": 0.1})[told.KEPT]["second"]
    assert (set(second["ends"]), second["endings"]["early"]) == ({30}, 1.0)


def told_again(folder: Path, first: dict[str, Any], seen: Told, control: Control | None = None, **wishes: Any) -> dict[str, Any]:
    """Tell the forecast again at step 10 of 100, and return what the state keeps."""
    wishes = wishes or {"until": "accuracy=0.9"}
    recipe = recipe_from({"source": "sklearn:iris", "budget": {"steps": 100}, **wishes}, where="test")
    plan = plan_training(Request(recipe))[0]
    state: Any = SimpleNamespace(
        outside={told.KEPT: first}, clock=SimpleNamespace(step=10), control=control or Control(100).begun()
    )
    SecondForecast(plan, Emitter([seen], started=time.monotonic()), folder).run(state)
    kept: dict[str, Any] = state.outside
    return kept


def test_a_resumed_run_expects_its_end_where_it_was_told(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", stopping={"patience": 0.3})
    plan = RunFiles(run.path, tell=tell_nobody).plan()[0]
    drawn = torch.Generator().manual_seed(0)
    rows = {"x": torch.rand(16, 4, generator=drawn), "target": torch.arange(16) % 2, "weight": torch.ones(16)}
    state = small_training(nn.Linear(4, 2), rows, optim=AdamW(), steps=100)
    first = told.told_before({told.KEPT: run.result["foresight"]})
    assert first is not None
    assert first.second is not None
    state.outside[told.KEPT] = first.model_copy(
        update={"second": first.second.model_copy(update={"ends": (20, 40, 60)})}
    ).record()
    state.clock.step = 30
    second = SecondForecast(plan, Emitter([], started=0.0), run.path).begin(state)
    assert second.next_step > 100
    assert [second.expected_end(step, 100) for step in (30, 50, 70)] == [50.0, 60.0, 100.0]
    # A cooldown has drawn the end near.
    assert second.expected_end(50, 55) == 55.0
