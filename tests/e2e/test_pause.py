"""A paused run goes on as if it had never been, whatever its recipe says; and no sink can end it."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

import tutelage
from tutelage.core.errors import RunError
from tutelage.core.events import Evaluated, Event
from tutelage.planning.recipe import merge, parse_setting, read_recipe, recipe_from
from tutelage.run.start import Request, resume_training, start_training

SETTINGS = (
    "source=sklearn:digits",
    "budget.steps=24",
    "batch_size=16",
    "model=mlp",
    "model.hidden=[8]",
    "augment.kind=chain",
    'augment.steps=["shift", {kind = "chain", steps = [{kind = "cutout"}, "flip"]}]',
)


class Pauses:
    """A sink that asks the process to end at the first evaluation, as a cluster does."""

    def take(self, event: Event) -> None:
        if isinstance(event, Evaluated):
            os.kill(os.getpid(), signal.SIGTERM)

    def close(self) -> None:
        pass


def test_the_model_of_a_paused_run_is_told_to_be_one_so_far(tmp_path: Path) -> None:
    recipe = recipe_from({"source": "sklearn:iris", "budget": {"steps": 40}}, where="test")
    start_training(Request(recipe, out=str(tmp_path / "run"), sinks=(Pauses(),)))
    with pytest.warns(UserWarning, match="has not ended: this is its best model so far, and not calibrated. Finish it: tutelage"):
        assert tutelage.open_run(tmp_path / "run").predictor.calibrator is None


class Fails:
    """A sink that never works."""

    def take(self, event: Event) -> None:
        raise OSError("no network")

    def close(self) -> None:
        raise OSError("no network")


def request(out: Path, *, sink: Any) -> Request:
    wishes: dict[str, Any] = {}
    for text in SETTINGS:
        wishes = merge(wishes, *parse_setting(text))
    return Request(recipe_from(wishes, where="test"), out=str(out), sinks=[sink])


def weights(run: Path) -> bytes:
    return (run / "last" / "predictor.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody interrupts; one of those who watch it fails all the time."""
    return start_training(request(tmp_path_factory.mktemp("whole") / "run", sink=Fails()))


def test_a_recipe_with_lists_of_components_is_resumed_with_the_same_bits(whole: Path, tmp_path: Path) -> None:
    run = start_training(request(tmp_path / "run", sink=Pauses()))
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert (result["stopped"], result["last_step"] < 24) == ("terminated", True)
    augment = recipe_from(read_recipe(run / "recipe.toml"), where="test").augment
    assert [step.kind for step in augment.steps] == ["shift", "chain"]
    assert [step.kind for step in augment.steps[1].steps] == ["cutout", "flip"]
    resume_training(run, Request(recipe_from({}, where="test")))
    assert json.loads((run / "result.json").read_text(encoding="utf-8"))["last_step"] == 24
    assert weights(run) == weights(whole)


def test_a_source_that_vanished_is_asked_back_to_its_path(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("a,y\n" + "".join(f"{i * 7 % 13},{'pq'[i % 2]}\n" for i in range(60)), encoding="utf-8")
    wishes = {"source": str(table), "target": "y", "budget": {"steps": 20}, "model": {"kind": "mlp", "hidden": [8]}}
    run = start_training(Request(recipe_from(wishes, where="here"), out=str(tmp_path / "run"), sinks=[Pauses()]))
    table.rename(tmp_path / "moved.csv")
    with pytest.raises(RunError, match=rf"the data is no longer at {re.escape(str(table))}\. Bring it back to that path"):
        resume_training(run, Request(recipe_from({}, where="here")))


def test_a_sink_that_fails_is_told_about_once_and_training_ends_as_planned(whole: Path) -> None:
    events = [json.loads(line) for line in (whole / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [event["message"] for event in events if "Fails" in event.get("message", "")] == [
        "Fails failed (OSError('no network')) and is told nothing more. Training goes on."
    ]
    assert events[-1]["event"] == "Finished"
    assert {event["step"] for event in events if event["event"] == "Saved"} >= {0, 24}
