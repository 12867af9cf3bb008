"""The forecast before the first step changes nothing of the training, and is scored at its end."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

import tutelage
from tutelage.core import layout
from tutelage.foresight.pace import Pace
from tutelage.foresight.run_time import Measured
from tutelage.run.foresee import known_run
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
    hows = [run.result["foresight"]["how"] for run in (first, second)]
    assert [how.split()[0] for how in hows] == ["timed", "known"]
    assert end_of(first) == end_of(second)


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


def test_what_was_remembered_is_read_back() -> None:
    known = Measured({"reading": 1.0}, Pace(0.1, num_steps=3), evaluation=0.5)
    record = {name: getattr(known, name) for name in ("once", "opening", "first_evaluation", "evaluation", "checkpoint")}
    record |= {"pace": known.pace.record(), "evaluation_spread": 0.1}
    found = known_run(record)
    assert found is not None
    assert (found.pace, dict(found.once), found.how) == (known.pace, {"reading": 1.0}, "known")


@pytest.mark.parametrize("seconds", [None, "a", -1, 1e308, float("nan"), 10**400])
def test_an_odd_pace_counts_as_nothing(seconds: Any) -> None:
    record = {"once": {}, "opening": None, "first_evaluation": 0, "evaluation": 0, "evaluation_spread": 0, "checkpoint": 0}
    assert known_run({**record, "pace": {"seconds": 1.0}}) is not None
    assert known_run({**record, "pace": {"seconds": seconds}}) is None


@pytest.mark.parametrize("name", ["\x1b[2J", "\ud800", "a\nb", "x" * 1000, "\u202e"])
def test_a_part_whose_name_cannot_be_shown_counts_as_nothing(name: str) -> None:
    record = {"opening": None, "first_evaluation": 0, "evaluation": 0, "evaluation_spread": 0, "checkpoint": 0}
    record |= {"pace": {"seconds": 1.0}}
    assert known_run({**record, "once": {"reading": 1.0}}) is not None
    assert known_run({**record, "once": {name: 1.0}}) is None


@pytest.mark.parametrize("record", [{}, {"once": 3}, {"once": {}, "pace": {"seconds": 1, "odd": 2}, "opening": None}])
def test_what_cannot_be_read_back_counts_as_nothing(record: dict[str, Any]) -> None:
    assert known_run(record) is None


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
