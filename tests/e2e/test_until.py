"""A run to a target that is paused or killed goes on to the same target, with the same bits and the same end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fork_server import start
from tutelage.core import layout
from tutelage.core.events import Evaluated, Event
from tutelage.planning.recipe import recipe_from
from tutelage.run.start import Request, resume_training, start_training
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest

WISHES: dict[str, Any] = {
    "source": "sklearn:iris",
    "budget": {"steps": 200},
    "model": {"kind": "mlp", "hidden": [16]},
    "optim": {"kind": "sgd", "lr": 0.01},
    "floor": "none",
    "until": "accuracy=0.8",
    "save": {"every_seconds": 0},
}
WORDS = [
    "train", "sklearn:iris", "--steps", "200", "--model", "mlp", "--set", "model.hidden=[16]", "--set", "optim.kind=sgd",
    "--set", "optim.lr=0.01", "--set", "floor=none", "--until", "accuracy=0.8", "--set", "save.every_seconds=0", "--quiet",
    "--out", "run",
]  # fmt: skip


class PausesAfter:
    """A sink that sends this process a signal at the first evaluation after some steps."""

    def __init__(self, step: int, number: signal.Signals) -> None:
        self.step, self.number = step, number

    def take(self, event: Event) -> None:
        if isinstance(event, Evaluated) and event.step >= self.step:
            os.kill(os.getpid(), self.number)

    def close(self) -> None:
        pass


def trained(out: Path, **more: Any) -> Path:
    return start_training(Request(recipe_from(WISHES, where="test"), out=str(out), **more))


def end_of(run: Path) -> tuple[str, str, int]:
    result = json.loads((run / layout.RESULT).read_text(encoding="utf-8"))
    return digest(load_checkpoint(checkpoints(run)[-1])), result["stopped"], result["last_step"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, int]:
    """The end of a run that nobody disturbs."""
    return end_of(trained(tmp_path_factory.mktemp("whole") / "run"))


@pytest.mark.parametrize(("step", "number"), [(1, signal.SIGINT), (25, signal.SIGTERM)])
def test_a_paused_run_reaches_its_target_with_the_same_bits(
    step: int, number: signal.Signals, whole: tuple[str, str, int], tmp_path: Path
) -> None:
    run = trained(tmp_path / "run", sinks=[PausesAfter(step, number)])
    _, stopped, paused_at = end_of(run)
    assert stopped in ("interrupted", "terminated")
    resume_training(run, Request(recipe_from({}, where="test")))
    assert end_of(run) == whole
    assert whole[1] == "target"
    assert paused_at < whole[2] < 200


def test_a_forecast_is_told_once_and_kept_when_a_run_goes_on(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", sinks=[PausesAfter(25, signal.SIGTERM)])
    kept = load_checkpoint(checkpoints(run)[-1]).values["outside"]["foresight"]["second"]
    resume_training(run, Request(recipe_from({}, where="test")))
    events = [json.loads(line) for line in (run / layout.EVENTS).read_text(encoding="utf-8").splitlines()]
    resumed = next(index for index, event in enumerate(events) if event["event"] == "Resumed")
    assert [event["step"] for event in events[resumed:] if event["event"] == "Forecast"] == []
    second = json.loads((run / layout.RESULT).read_text(encoding="utf-8"))["foresight"]["second"]
    assert (second["step"], second["endings"]) == (kept["step"], kept["endings"])


@pytest.mark.slow
def test_a_killed_run_reaches_its_target_with_the_same_bits(whole: tuple[str, str, int], tmp_path: Path) -> None:
    process = start("-m", "tutelage", *WORDS, folder=tmp_path)
    while process.poll() is None and max((int(path.stem) for path in checkpoints(tmp_path / "run")), default=0) < 3:
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the run ended before it could be killed"
    command = [sys.executable, "-m", "tutelage", "resume", "run", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert end_of(tmp_path / "run") == whole
