"""Whose run it is: asked by its owner, also without locks; the test part is opened once, and a hostile folder leads nowhere."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tutelage.cli.main import main
from tutelage.core import layout
from tutelage.core.manifest import Manifest
from tutelage.run import start
from tutelage.run.lock import OWNER

WORDS = ["train", "sklearn:iris", "--steps", "6", "--quiet", "--set", "model=linear", "--set", "save.every_seconds=0"]


class Killed(BaseException):
    """Stands for the end of a process that cleans nothing up."""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("ended") / "run"
    assert main([*WORDS, "--out", str(run)]) == 0
    return run


@pytest.fixture
def run(ended: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ended, tmp_path / "run"))


def events(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / layout.EVENTS).read_text(encoding="utf-8").splitlines()]


def test_who_comes_late_asks_again_once_the_run_is_its_own(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = (run / layout.RESULT).read_bytes()
    (run / layout.RESULT).unlink()
    locked = start.locked

    @contextmanager
    def late(folder: Path) -> Iterator[None]:
        (run / layout.RESULT).write_bytes(result)  # the process before ends the run just now
        with locked(folder):
            yield

    before = events(run)
    with mock.patch.object(start, "locked", late):
        assert main(["resume", str(run)]) == 0
    assert "has ended" in capsys.readouterr().err
    assert (events(run), (run / layout.RESULT).read_bytes()) == (before, result)


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_kill_between_the_test_part_and_its_scores_is_told(is_changed: bool, tmp_path: Path) -> None:
    run = tmp_path / "run"

    put = Manifest.put_json

    def kill(self: Manifest, file: str, record: Mapping[str, Any], *, state: str = "") -> None:
        if file == layout.RESULT:
            raise Killed
        put(self, file, record, state=state)

    with mock.patch.object(Manifest, "put_json", kill), pytest.raises(Killed):
        main([*WORDS, "--out", str(run)])
    opened = json.loads((run / layout.TEST_OPENED).read_text())
    if is_changed:
        Manifest(run).put_json(layout.TEST_OPENED, opened | {"weights": "others"})
    assert main(["resume", str(run), "--quiet"]) == 0
    told = [(event["event"], event["message"]) for event in events(run) if "opened before" in event.get("message", "")]
    kind, words = ("Warned", "on other weights") if is_changed else ("Noted", "on the same weights")
    assert [(found, words in message) for found, message in told] == [(kind, True)]
    assert json.loads((run / layout.TEST_OPENED).read_text()) == opened


def test_leftovers_of_a_run_that_has_ended_are_swept(run: Path) -> None:
    for verb in (["resume", str(run), "--quiet"], ["report", str(run)]):
        left = [run / ".result.json.0123abcd.tmp", run / "steps" / ".tmpAbCdEf", run / ".birth"]
        for path in left:
            path.touch()
        assert main(verb) == 0
        assert not any(path.exists() for path in left)


@pytest.mark.parametrize("name", [layout.EVENTS, layout.STEPS, layout.REPORT, ".lock"])
def test_a_run_that_leads_out_of_its_folder_is_not_gone_on_with(
    name: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path / "outside"
    (run / layout.RESULT).unlink()
    (run / name).rename(outside)
    (run / name).symlink_to(outside)
    before = sorted((path, path.stat().st_mtime_ns) for path in (outside, *outside.glob("*")))
    assert main(["resume", str(run), "--quiet"]) == 2
    assert f"{run / name}: is a" in capsys.readouterr().err
    assert sorted((path, path.stat().st_mtime_ns) for path in (outside, *outside.glob("*"))) == before


@pytest.mark.parametrize("name", [layout.PLAN, layout.RESULT, layout.METRICS, f"{layout.BEST}/{layout.PREDICTOR}"])
def test_a_pipe_in_a_run_keeps_nobody_waiting(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / name).unlink()
    os.mkfifo(run / name)
    for verb in ("resume", "report", "evaluate"):
        assert main([verb, str(run)]) == 2
        assert f"{run / name}: is a named pipe" in capsys.readouterr().err


def without_locks() -> str:
    """The start of a program in which the file system has no locks."""
    return (
        "import errno, fcntl, os, sys\n"
        "def refuse(*_): raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))\n"
        "fcntl.flock = refuse\n"
        "from tutelage.cli.main import main\n"
    )


@pytest.mark.slow
def test_the_command_does_without_locks(tmp_path: Path) -> None:
    run = tmp_path / "run"
    kill = "import tutelage.training.writer as w\nw.save_checkpoint = lambda *_, **__: os.kill(os.getpid(), 9)\n"
    words = [*WORDS, "--out", str(run)]
    for code, ending in ((kill, -9), ("", 0)):
        program = f"{without_locks()}{code}sys.exit(main({words!r}))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
        assert done.returncode == ending, done.stderr
        assert (run / OWNER).exists() == (ending == -9)
        words = ["resume", str(run), "--quiet"]
    assert (run / layout.RESULT).exists()


def test_reading_the_data_comes_after_the_place_is_known_to_be_free(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused: AbstractContextManager[Any] = mock.patch.object(start, "plan_training", side_effect=AssertionError)
    with refused:
        assert main([*WORDS, "--out", str(run)]) == 2
    assert "a run is there" in capsys.readouterr().err
