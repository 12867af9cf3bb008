"""The forecast before the first step changes nothing of the training, and is scored at its end."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

import tutelage
from tutelage.core import layout
from tutelage.foresight.history import History
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
    (line,) = (line for line in history.lines() if "measured" in line)
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


def test_a_run_of_two_steps_does_not_make_the_next_one_look_slow(tmp_path: Path) -> None:
    trained(tmp_path / "long")
    (known,) = (line["measured"]["pace"] for line in History(tmp_path / "cache").lines() if "measured" in line)
    tutelage.train("sklearn:iris", steps=2, quiet=True, out=tmp_path / "short")
    paces = [line["measured"]["pace"] for line in History(tmp_path / "cache").lines() if "measured" in line]
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
    # Nothing is told where nothing is known.
    assert "foresight" not in run.result
