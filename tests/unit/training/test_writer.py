"""The writer: durable in a thread of its own, one snapshot at a time, failures told where training goes on."""

import threading
import time
from pathlib import Path

import pytest
import torch

from tests.stand_ins import Told
from tutelage.core.emitter import Emitter
from tutelage.core.errors import RunError
from tutelage.core.events import Warned
from tutelage.core.manifest import Manifest
from tutelage.training import writer as writing
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.saving import SaveJob
from tutelage.training.state import Snapshot, digest
from tutelage.training.writer import Writer


def snapshot(step: int) -> Snapshot:
    return Snapshot({"w": torch.full((5,), float(step))}, {"clock": [step, 0], "outside": {}})


def test_what_is_durable_is_told_when_asked_for_and_once(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    assert not writer.is_done
    assert writer.wait() is None
    writer.write(snapshot(7))
    durable = writer.wait()
    assert durable is not None
    assert (durable.step, durable.digest) == (7, digest(snapshot(7)))
    assert digest(load_checkpoint(checkpoints(tmp_path)[0])) == durable.digest
    assert writer.wait() is None
    writer.close()


def test_the_thread_that_trains_does_not_wait_while_one_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_go_on, began = threading.Event(), threading.Event()
    threads: list[str] = []

    def slow_disk(run_dir: Path, state: Snapshot, *, manifest: Manifest) -> str:
        threads.append(threading.current_thread().name)
        began.set()
        assert may_go_on.wait(timeout=60)
        return "sha"

    monkeypatch.setattr(writing, "save_checkpoint", slow_disk)
    writer = Writer(tmp_path)
    writer.write(snapshot(1))
    assert began.wait(timeout=60)
    assert not writer.is_done
    with pytest.raises(AssertionError, match="still being written"):
        writer.write(snapshot(2))
    may_go_on.set()
    durable = writer.wait()
    assert durable is not None
    assert durable.digest == "sha"
    assert threads[0].startswith("checkpoint")
    writer.close()


def test_a_checkpoint_that_cannot_be_written_is_told_where_training_goes_on_with_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "steps").touch()  # a file where a folder should be
    writer = Writer(tmp_path)
    writer.write(snapshot(1))
    with pytest.raises(RunError, match=r"steps/000000001\.safetensors: cannot be written .* It needs \d+ bytes"):
        writer.wait()
    writer.close()


def test_a_failure_that_is_found_when_a_training_ends_for_another_reason_is_a_warning(tmp_path: Path) -> None:
    told = Told()
    (tmp_path / "steps").touch()
    save = SaveJob(Emitter([told], started=time.monotonic()), tmp_path, every_seconds=0, step=0)
    save._writer.write(snapshot(1))
    save.close()
    assert [type(event) for event in told.events] == [Warned]
