"""A training beside a disk that fills and empties again ends with the same digest, and the same log, as one with room."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fork_server import start
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest

TRAIN = ["train", "sklearn:iris", "--steps", "400", "--set", "save.every_seconds=0", "--set", "model.members=2", "--quiet"]
SIZE_BYTES = 8 * 2**20


@contextmanager
def small_disk(folder: Path, *, size_bytes: int = SIZE_BYTES) -> Iterator[Path]:
    """A file system of its own with little room; the test is left out where this user may not make one."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip("needs the right to mount a file system in memory")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(autouse=True)
def _only_where_disks_can_be_made() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs the right to mount a file system in memory")


def finish(words: list[str], folder: Path) -> str:
    process = start("-m", "tutelage", *words, folder=folder)
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    return errors


def fill(path: Path, *, leave: int) -> None:
    """Take all room but some bytes."""
    with path.open("ab", buffering=0) as file:
        while (free := os.statvfs(path.parent).f_bavail * os.statvfs(path.parent).f_frsize) > leave:
            try:
                file.write(bytes(min(2**16, free - leave)))
            except OSError:
                return


def points(run: Path) -> list[dict[str, float]]:
    """The points of the log without their times; lines that the clock added between the regular ones are left out."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def final_digest(run: Path) -> str:
    return digest(load_checkpoint(checkpoints(run)[-1]))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    finish([*TRAIN, "--out", "run"], folder)
    return folder / "run"


@pytest.mark.slow
def test_a_disk_that_fills_and_empties_again_and_again_changes_nothing(whole: Path, tmp_path: Path) -> None:
    chance = random.Random(0)
    with small_disk(tmp_path / "disk") as disk:
        process = start("-m", "tutelage", *TRAIN, "--out", "run", folder=disk)
        filler = disk / "filler"
        while process.poll() is None and not list((disk / "run" / "steps").glob("0*")):
            time.sleep(0.01)
        rounds = 0
        while process.poll() is None:
            fill(filler, leave=chance.choice([0, 0, 10_000, 100_000]) if rounds else 0)
            # Full for long at first: however fast this machine is, something is then refused that has to be tried again.
            time.sleep(chance.uniform(0.05, 0.5) if rounds else 3.0)
            filler.unlink()
            time.sleep(chance.uniform(0.0, 0.2))
            rounds += 1
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        assert rounds > 3
        assert "No space left on device" in errors
        assert "It is tried again" in errors
        run = disk / "run"
        assert final_digest(run) == final_digest(whole)
        assert (run / "best" / "predictor.safetensors").read_bytes() == (whole / "best" / "predictor.safetensors").read_bytes()
        shown = [point for point in points(run) if point in points(whole)]
        assert shown == points(whole), "no line is lost, and none comes twice"
        assert not list(run.rglob(".*.tmp"))
        events = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
        assert any("written again" in event.get("message", "") for event in events)
        # Where the disk was full just then, the end is held back, and what follows it tells of nothing but that.
        [end] = [place for place, event in enumerate(events) if event["event"] == "Finished"]
        for event in events[end + 1 :]:
            assert "cannot be written" in event["message"] or "written again" in event["message"]


@pytest.mark.slow
def test_a_disk_that_stays_full_ends_with_the_way_on_and_room_brings_the_same_digest(whole: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        process = start("-m", "tutelage", *TRAIN, "--set", "save.patience_seconds=1", "--out", "run", folder=disk)
        while process.poll() is None and len(list((disk / "run" / "steps").glob("0*"))) < 2:
            time.sleep(0.01)
        fill(disk / "filler", leave=0)
        _, errors = process.communicate(timeout=200)
        assert process.returncode == 2, errors
        assert "Traceback" not in errors
        last = errors.strip().splitlines()[-1]
        for words in ("run/", "cannot be written (No space left on device)", "bytes", "are free in", "tutelage resume run"):
            assert words in last
        assert len(checkpoints(disk / "run")) == 2
        assert not list((disk / "run").rglob(".*.tmp"))
        (disk / "filler").unlink()
        finish(["resume", "run", "--quiet"], disk)
        assert final_digest(disk / "run") == final_digest(whole)


@pytest.mark.slow
def test_too_small_a_disk_is_refused_before_the_first_step(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_bytes=2**20) as disk:
        process = start("-m", "tutelage", "train", "sklearn:digits", "--epochs", "1", "--quiet", "--out", "run", folder=disk)
        _, errors = process.communicate(timeout=200)
        assert process.returncode == 2, errors
        assert "checkpoints, predictors and logs of this run need about" in errors
        assert not list((disk / "run" / "steps").iterdir())
