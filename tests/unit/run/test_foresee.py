"""The forecast before the first step changes nothing of the training, and is scored at its end."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

import tutelage
from tutelage.core import layout
from tutelage.foresight.history import History
from tutelage.foresight.pace import Pace
from tutelage.foresight.run_time import Measured, RunTime
from tutelage.run import foresee
from tutelage.task.evaluation import RowsEvaluator
from tutelage.training import course
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest


def trained(folder: Path, **wishes: Any) -> tutelage.Run:
    return tutelage.train("sklearn:iris", steps=40, quiet=True, out=folder, **wishes)


def end_of(run: tutelage.Run) -> str:
    return digest(load_checkpoint(checkpoints(run.path)[-1]))


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))


def test_steps_that_are_timed_leave_no_trace(tmp_path: Path) -> None:
    first, second = trained(tmp_path / "first"), trained(tmp_path / "second")
    hows = [run.result["foresight"]["how"].split()[0] for run in (first, second)]
    # Whether the second is borne out by its first steps depends on what else the machine does.
    assert hows[0] == "timed"
    assert hows[1] in ("known", "contradicted")
    assert end_of(first) == end_of(second)


def test_a_known_run_is_told_after_its_first_steps_and_believes_them_where_they_go_at_another_pace(tmp_path: Path) -> None:
    trained(tmp_path / "first")
    history = History(tmp_path / "cache")
    (line,) = (line for line in history.lines() if "pace" in line.get("measured", {}))
    slower = {**line["measured"], "pace": {**line["measured"]["pace"], "seconds": 5.0, "num_steps": 400}}
    (tmp_path / "cache" / "forecasts.jsonl").unlink()
    history.add({**line, "measured": slower})
    run = trained(tmp_path / "second")
    events = [json.loads(text) for text in (run.path / layout.EVENTS).read_text().splitlines()]
    told = next(event for event in events if event["event"] == "Forecast")
    assert (told["how"], told["step"] > 0) == ("contradicted", True)
    # 40 steps of 5 s are what was remembered.
    assert told["parts"]["steps"] < 100
    assert run.result["foresight"]["seconds"] == pytest.approx(told["expected_seconds"], abs=1e-3)


def told_by(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What each forecast is made of from now on, and what had passed beside steps, evaluations and checkpoints."""
    asked = list[dict[str, Any]]()
    tell, forecast = foresee.Foresight._tell, foresee.run_time

    def telling(self: foresee.Foresight, *words: Any) -> None:
        spent = self.emitter.stopwatch.seconds
        asked.append({"apart": self.emitter.seconds - sum(spent.get(part, 0.0) for part in foresee.NOT_ONCE)})
        tell(self, *words)

    def forecasting(measured: Measured, *words: Any, **named: Any) -> RunTime:
        asked[-1] |= {"measured": measured, "passed": named["passed"]}
        return forecast(measured, *words, **named)

    monkeypatch.setattr(foresee.Foresight, "_tell", telling)
    monkeypatch.setattr(foresee, "run_time", forecasting)
    return asked


def test_evaluations_among_the_first_steps_are_not_counted_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate = RowsEvaluator.__call__
    monkeypatch.setattr(course, "MIN_EVALUATIONS", 60)
    monkeypatch.setattr(RowsEvaluator, "__call__", lambda self, task: time.sleep(0.05) or evaluate(self, task))
    tutelage.train("sklearn:iris", steps=60, quiet=True, out=tmp_path / "first")
    asked = told_by(monkeypatch)
    run = tutelage.train("sklearn:iris", steps=60, quiet=True, out=tmp_path / "second")
    (told,) = asked
    events = [json.loads(text) for text in (run.path / layout.EVENTS).read_text().splitlines()]
    step = next(event["step"] for event in events if event["event"] == "Forecast")
    assert step > 4, "as many evaluations had passed"
    # They are part of all evaluations, which the forecast counts; the little that is between is where the clock was read.
    assert told["passed"] == pytest.approx(told["apart"], abs=0.15)


def test_steps_that_a_time_budget_has_tried_are_warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Measured({}, Pace(0.01, 3.0, 0.1, num_steps=500), first_evaluation=0.01, evaluation=0.01, checkpoint=0.01)
    monkeypatch.setattr(foresee, "known_runs", lambda plan, history: [known])
    asked = told_by(monkeypatch)
    tutelage.train("sklearn:iris", time="12s", quiet=True, out=tmp_path / "run")
    (told,) = asked
    assert told["measured"].pace.warm_up_seconds == 0


def test_a_run_of_two_steps_does_not_make_the_next_one_look_slow(tmp_path: Path) -> None:
    trained(tmp_path / "long")
    (known,) = (line["measured"]["pace"] for line in History(tmp_path / "cache").lines() if "pace" in line.get("measured", {}))
    tutelage.train("sklearn:iris", steps=2, quiet=True, out=tmp_path / "short")
    paces = [line["measured"]["pace"] for line in History(tmp_path / "cache").lines() if "pace" in line.get("measured", {})]
    assert [pace["num_steps"] for pace in paces] == [40, 2]
    told = trained(tmp_path / "again").result["foresight"]
    # Were the first of the two steps, which builds kernels, believed of all, it would be many times as much.
    assert told["parts"]["steps"] < 40 * max(10 * known["seconds"], 0.01)


def test_a_run_holds_its_forecast_and_what_came_of_it(tmp_path: Path) -> None:
    run = trained(tmp_path / "run")
    kept = run.result["foresight"]
    assert kept["interval_80"][0] <= kept["seconds"] <= kept["interval_80"][1]
    assert kept["actual_seconds"] == pytest.approx(run.result["seconds"], abs=1.0)
    events = [json.loads(line)["event"] for line in (run.path / layout.EVENTS).read_text().splitlines()]
    assert events.index("Forecast") < events.index("Logged")
    assert "ForecastScored" in events
    lines = [json.loads(line) for line in (run.path / layout.EVENTS).read_text().splitlines()]
    left = [line["remaining_seconds"] for line in lines if line["event"] == "Logged"]
    # After the last step there is still what is done at the end.
    assert left[0] > left[-1] > 0


def test_an_own_module_is_never_stepped_to_be_timed(tmp_path: Path) -> None:
    class Counting(nn.Module):
        """Keeps a number that no checkpoint holds."""

        def __init__(self) -> None:
            super().__init__()
            self.linear, self.calls = nn.Linear(4, 3), 0

        def forward(self, x: Tensor) -> Tensor:
            """Return outputs [B, 3], and count the steps of training."""
            self.calls += self.training
            return self.linear(x)

    drawn = np.random.default_rng(0)
    module = Counting()
    data = (drawn.normal(size=(90, 4)).astype(np.float32), drawn.integers(0, 3, 90))
    run = tutelage.train(data, model=module, steps=40, quiet=True, out=tmp_path / "run", precision="float32", compile="none")
    assert module.calls == run.result["last_step"]
    # Its first steps say what it takes, once they are made.
    assert run.result["foresight"]["how"] == "timed"
    lines = [json.loads(line) for line in (run.path / layout.EVENTS).read_text().splitlines()]
    (told,) = (line for line in lines if line["event"] == "Forecast" and line["how"] == "timed")
    assert 0 < told["step"] <= 4
    assert told["parts"]["steps"] > 0


def test_an_outcome_is_kept_beside_the_spread_without_the_factor_of_outcomes_before(tmp_path: Path) -> None:
    history = History(tmp_path / "cache")
    for _ in range(40):
        history.add({"kind": "timed", "forecast": 1.0, "actual": 1.5, "spread": 0.1})
    factor = history.factor("timed")
    told = trained(tmp_path / "run").result["foresight"]
    assert told["how"] == "timed"
    assert told["scale"] == pytest.approx(factor)
    assert factor > 2
    *_, line = (line for line in History(tmp_path / "cache").lines() if line.get("kind") == "timed")
    # Else wide intervals would hold their outcomes, become narrow by that, and never be as wide as they have to be.
    assert line["spread"] == told["unscaled"] < told["spread"]


@pytest.mark.parametrize(("kind", "which"), [("timed may stop early", None), ("curve", "second")])
def test_outcomes_of_runs_that_may_stop_early_are_kept_without_that_factor_too(
    tmp_path: Path, kind: str, which: str | None
) -> None:
    history = History(tmp_path / "cache")
    for _ in range(40):
        history.add({"kind": kind, "forecast": 1.0, "actual": 9.0, "spread": 0.5})
    run = tutelage.train(
        "sklearn:iris", model="mlp", steps=100, floor="none", stopping={"patience": 0.3}, quiet=True, out=tmp_path / "run"
    )
    told = run.result["foresight"] if which is None else run.result["foresight"][which]
    *_, line = (line for line in History(tmp_path / "cache").lines() if line.get("kind") == kind)
    assert line["spread"] == told["unscaled"] < told["spread"]


def test_a_run_that_is_timed_counts_its_checkpoints(tmp_path: Path) -> None:
    told = trained(tmp_path / "run", save={"every_seconds": 0}).result["foresight"]
    assert told["how"].startswith("timed")
    assert told["parts"]["saving"] > 0
    # The first and the last, and one after each of 40 steps.
    assert told["parts"]["checkpoints"] == pytest.approx(20 * told["parts"]["saving"], rel=0.1)


def test_what_a_checkpoint_takes_is_remembered_by_the_number_of_those_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = list[dict[str, float]]()
    remember = foresee.Foresight._remember

    def remembering(self: foresee.Foresight, *words: Any) -> None:
        watch = self.emitter.stopwatch
        counted.append({"seconds": watch.seconds["checkpoints"], "count": watch.counts["checkpoints"]})
        remember(self, *words)

    monkeypatch.setattr(foresee.Foresight, "_remember", remembering)
    # Evaluations take long beside the steps, and checkpoints are made while they pass.
    evaluate = RowsEvaluator.__call__
    monkeypatch.setattr(RowsEvaluator, "__call__", lambda self, task: time.sleep(0.1) or evaluate(self, task))
    trained(tmp_path / "run", save={"every_seconds": 0.05})
    (line,) = (line for line in History(tmp_path / "cache").lines() if "pace" in line.get("measured", {}))
    (made,) = counted
    assert made["count"] > 3
    assert line["measured"]["checkpoint"] == pytest.approx(made["seconds"] / made["count"])
