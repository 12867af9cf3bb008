"""Saving beside training: a disk that refuses changes no bit, is told of once, and is tried again."""

import importlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.stand_ins import Told, rows_in_turn, small_training
from tutelage.core.emitter import Emitter
from tutelage.core.errors import DiskError, OutOfMemoryError
from tutelage.core.events import Noted, Saved, Warned
from tutelage.floor.base import FittedFloor
from tutelage.optim.adamw import AdamW
from tutelage.optim.muon import Muon
from tutelage.optim.sgd import SGD
from tutelage.run.room import largest_file_bytes, needed_bytes, require_disk_room, require_file_size
from tutelage.track.jsonl import JsonlSink, read_records
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.jobs import copy_weights
from tutelage.training.loop import run_loop
from tutelage.training.saving import SaveJob
from tutelage.training.state import TrainState, digest


def training(*, optim: Any = None, width: int = 3) -> TrainState:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, width), nn.Linear(width, width), nn.Linear(width, 3))
    return small_training(model, rows_in_turn(), optim=optim or AdamW())


def saving(run_dir: Path, told: Told, **settings: float) -> SaveJob:
    return SaveJob(Emitter([told], started=time.monotonic()), run_dir, every_seconds=0, step=0, **settings)


def trained(state: TrainState, job: SaveJob, *, until_step: int) -> str:
    run_loop(state, jobs=[job], seed=0, until_step=until_step)
    return digest(state.snapshot())


def test_checkpoints_are_counted_where_they_are_made(tmp_path: Path) -> None:
    state, emitter = training(), Emitter([], started=time.monotonic())
    save = SaveJob(emitter, tmp_path, every_seconds=0, step=0)
    trained(state, save, until_step=3)
    save.secure(state)
    assert emitter.stopwatch.counts == {"checkpoints": 4}
    assert emitter.stopwatch.each("checkpoints") == pytest.approx(emitter.stopwatch.seconds["checkpoints"] / 4)


def test_a_disk_that_refuses_is_told_of_once_and_training_goes_on_with_the_same_bits_and_saves_again(tmp_path: Path) -> None:
    told, state = Told(), training()
    save = saving(tmp_path, told)
    trained(state, save, until_step=3)
    save.save_now(state)
    (tmp_path / "steps").rename(tmp_path / "kept")
    (tmp_path / "steps").touch()  # a file where a folder should be
    trained(state, save, until_step=8)
    save.save_now(state)
    warned = [event.message for event in told.named(Warned)]
    assert len(warned) == 1
    assert "steps/000000004.safetensors: cannot be written (File exists). It needs" in warned[0]
    assert "Training goes on. It is tried again for 10 min." in warned[0]
    (tmp_path / "steps").unlink()
    (tmp_path / "kept").rename(tmp_path / "steps")
    assert [path.stem for path in checkpoints(tmp_path)] == ["000000002", "000000003"]
    whole = trained(state, save, until_step=12)
    save.secure(state)
    save.close()
    assert [event.step for event in told.named(Saved)][-1] == 12
    assert [event.message.split(",")[0] for event in told.named(Noted)] == ["checkpoint of step 9: written again"]
    assert digest(load_checkpoint(checkpoints(tmp_path)[-1])) == whole
    beside = training()
    run_loop(beside, jobs=[], seed=0, until_step=12)
    assert digest(beside.snapshot()) == whole


def test_training_ends_where_nothing_could_be_saved_for_too_long_and_says_how_to_go_on(tmp_path: Path) -> None:
    told, state = Told(), training()
    (tmp_path / "steps").touch()
    save = saving(tmp_path, told, patience_seconds=0)
    with pytest.raises(DiskError, match=r"steps/000000001.*tutelage resume"):
        trained(state, save, until_step=20)
    save.close()
    save = saving(tmp_path, told, patience_seconds=0.2)
    with pytest.raises(DiskError, match=r"given up\. What was saved before is whole\."):
        save.secure(state)
    save.close()


def test_no_checkpoint_relies_on_lines_that_are_not_on_the_disk(tmp_path: Path) -> None:
    state, sink = training(), JsonlSink(tmp_path)
    save = SaveJob(Emitter([sink], started=time.monotonic()), tmp_path, every_seconds=0, step=0)
    sink._files["events.jsonl"]._file.close()
    broken = Refusing()
    sink._files["events.jsonl"]._file = broken  # type: ignore[assignment]
    trained(state, save, until_step=3)
    assert checkpoints(tmp_path) == []
    sink._files["events.jsonl"]._file = (tmp_path / "events.jsonl").open("ab", buffering=0)
    trained(state, save, until_step=5)
    save.secure(state)
    logs = load_checkpoint(checkpoints(tmp_path)[-1]).values["outside"]["logs"]
    events = read_records(tmp_path / "events.jsonl")
    assert "events.jsonl: cannot be written" in events[0]["message"]
    assert 0 < logs["events.jsonl"][0] <= (tmp_path / "events.jsonl").stat().st_size
    save.close()
    sink.close()


class Refusing:
    """A file that takes nothing."""

    closed = False

    def write(self, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    def fileno(self) -> int:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("optim", [SGD(momentum=0), SGD(momentum=0.9), AdamW(), Muon()])
def test_what_a_run_needs_is_known_before_its_first_step(optim: Any, tmp_path: Path) -> None:
    state = training(optim=optim, width=300)
    before, generator = needed_bytes(state), torch.get_rng_state()
    assert torch.equal(generator, torch.get_rng_state())
    job = saving(tmp_path, Told())
    trained(state, job, until_step=3)
    state.best = copy_weights(state.task.state_dict())
    job.secure(state)
    job.close()
    sizes = [path.stat().st_size for path in checkpoints(tmp_path)]
    assert before == pytest.approx(needed_bytes(state), rel=1e-3)
    assert sizes[-1] == pytest.approx(largest_file_bytes(state, tmp_path), rel=0.05)
    assert sum(sizes) < before < 4 * sizes[-1] + 2**20


def test_what_a_floor_adds_to_the_predictors_is_counted() -> None:
    class Wide(FittedFloor):
        def tensors(self) -> dict[str, torch.Tensor]:
            return {"weight": torch.zeros(2**20, dtype=torch.float64)}

    state = training(optim=SGD(momentum=0), width=8)
    assert needed_bytes(state, floor=Wide()) - needed_bytes(state) > 2**23


def test_a_run_that_finds_no_room_is_refused_and_one_that_hardly_does_is_warned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutelage.run.room.free_bytes", lambda path: 1000)
    with pytest.raises(DiskError, match=r"need about 1,001 bytes; 1,000 are free there\. Make room and go on: tutelage resume"):
        require_disk_room(tmp_path, 1001)
    assert "That is tight" in require_disk_room(tmp_path, 501)
    assert require_disk_room(tmp_path, 500) == ""
    # What is there already needs no further room.
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "predictor.safetensors").write_bytes(bytes(600))
    assert require_disk_room(tmp_path, 1001) == ""


def test_a_limit_on_the_size_of_files_is_told_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutelage.run.room.size_limit", lambda: 1000)
    require_file_size(tmp_path, 1000)
    with pytest.raises(DiskError, match=r"needs about 1,001 bytes; this process may not write more than 1,000 .*ulimit -f"):
        require_file_size(tmp_path, 1001)
    monkeypatch.setattr("tutelage.run.room.size_limit", lambda: None)
    require_file_size(tmp_path, 10**15)


class Lacking:
    """Something that finds no memory a few times."""

    def __init__(self, work: Callable[..., Any], times: int) -> None:
        self.work, self.times = work, times

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        self.times -= 1
        if self.times >= 0:
            raise MemoryError("Unable to allocate 3 GiB")
        return self.work(*arguments, **settings)


@pytest.mark.parametrize("lacking", ["tutelage.training.state._copied", "tutelage.training.writer.save_checkpoint", "start"])
def test_memory_that_lacks_for_a_checkpoint_is_told_of_and_training_goes_on_and_saves_again(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, state = Told(), training()
    save = saving(tmp_path, told)
    trained(state, save, until_step=3)
    save.save_now(state)
    if lacking == "start":
        failing = Lacking(ThreadPoolExecutor._adjust_thread_count, 1)  # type: ignore[attr-defined]
        monkeypatch.setattr(ThreadPoolExecutor, "_adjust_thread_count", lambda thread: failing(thread))
        save.close()
        save = saving(tmp_path, told)
    else:
        monkeypatch.setattr(lacking, Lacking(_at(lacking), 1))
    trained(state, save, until_step=8)
    save.secure(state)
    save.close()
    (message,) = [event.message for event in told.named(Warned)]
    assert "out of memory while" in message
    assert message.endswith("Training goes on. It is tried again for 10 min.")
    assert any("written again" in event.message for event in told.named(Noted))
    assert [load_checkpoint(path).step for path in checkpoints(tmp_path)][-1] == 8
    assert trained(training(), saving(tmp_path / "other", Told()), until_step=8) == digest(state.snapshot())


def test_memory_that_lacks_for_too_long_ends_training_and_the_checkpoints_before_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = training()
    save = saving(tmp_path, Told(), patience_seconds=0)
    trained(state, save, until_step=3)
    save.save_now(state)
    before = checkpoints(tmp_path)
    monkeypatch.setattr("tutelage.training.state._copied", Lacking(len, 10**9))
    with pytest.raises(OutOfMemoryError, match="copying the state of training"):
        save.secure(state)
    assert checkpoints(tmp_path) == before


def _at(name: str) -> Callable[..., Any]:
    module, _, attribute = name.rpartition(".")
    found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return found


def test_weights_to_go_back_to_count_as_room_where_they_are_not_the_best(tmp_path: Path) -> None:
    state = training(width=300)
    job = saving(tmp_path, Told())
    trained(state, job, until_step=3)
    state.best = copy_weights(state.task.state_dict())
    job.secure(state)
    job.close()
    assert state.good is not state.best
    assert 3 * max(path.stat().st_size for path in checkpoints(tmp_path)) < needed_bytes(state)
