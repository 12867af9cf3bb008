"""The real command as two processes: one whose clock runs fast, one that is stopped, and a folder that cannot be used."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fork_server import Process, start

PROGRAM = Path(__file__).with_name("skewed_command.py")
SMALL = ("--set", "model=mlp", "--set", "model.hidden=[8]", "--set", "batch_size=32", "--set", "augment=none")
TRAIN = ("train", "sklearn:digits", *SMALL, "--steps", "48", "--quiet")


def interpreter(words: Sequence[str], environment: dict[str, str]) -> "subprocess.Popen[str]":
    """Start a command in a new interpreter."""
    program = [sys.executable, str(PROGRAM), *words]
    return subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def forked(words: Sequence[str], environment: dict[str, str]) -> Process:
    """Start a command in a process that has imported everything."""
    return start(str(PROGRAM), *words, folder=Path.cwd(), environment=environment)


def command(*words: str, second: dict[str, str] | None = None, limit: float = 120) -> list[tuple[int, str]]:
    """Run a command as two processes, and return the exit code and the words of each.

    Args:
        words: The words of the command.
        second: What the environment of the second process holds in addition.
        limit: Seconds after which both are taken to wait for each other.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    # A clock is changed before anything has taken it by its name: only an interpreter that has imported nothing can do that.
    begin = interpreter if "SKEW" in (second or {}) else forked
    processes = [begin(words, {**os.environ, **shared, "RANK": str(rank), **own}) for rank, own in enumerate(({}, second or {}))]
    try:
        told = ["".join(process.communicate(timeout=limit)) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    # Threads of the library that outlive the training abort a process now and then, at its very end.
    assert not [text for text in told if "THREADS LEFT" in text], told
    return [(process.returncode, text) for process, text in zip(processes, told, strict=True)]


def last_digest(run: Path) -> dict[str, Any]:
    """The last checkpoint that a run tells of."""
    events = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    saved = [event for event in events if event["event"] == "Saved"][-1]
    return {key: saved[key] for key in ("step", "digest")}


@pytest.mark.slow
def test_a_time_budget_is_kept_by_the_first_processs_clock_however_fast_the_others_runs(tmp_path: Path) -> None:
    run = tmp_path / "run"
    # The second process sees the probe's share of the budget pass at once, and its whole budget after a moment.
    ended = command("train", "sklearn:digits", *SMALL, "--time", "8s", "--quiet", "--out", str(run), second={"SKEW": "1000"})
    assert [code for code, _ in ended] == [0, 0], ended
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert result["stopped"] in ("budget", "patience")
    assert json.loads((run / "env.json").read_text(encoding="utf-8"))["num_processes"] == 2


@pytest.mark.slow
def test_two_processes_that_were_paused_end_with_the_bits_of_two_that_were_not(tmp_path: Path) -> None:
    whole, paused = tmp_path / "whole", tmp_path / "paused"
    ended = command(*TRAIN, "--out", str(whole))
    assert [code for code, _ in ended] == [0, 0], ended
    ended = command(*TRAIN, "--out", str(paused), second={"PAUSE_AFTER": "9"})
    assert [code for code, _ in ended] == [143, 143], ended
    assert last_digest(paused)["step"] == 16
    ended = command("resume", str(paused), "--quiet")
    assert [code for code, _ in ended] == [0, 0], ended
    assert last_digest(paused) == last_digest(whole)


@pytest.mark.slow
def test_a_folder_that_holds_something_ends_both_processes_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept", encoding="utf-8")
    began = time.monotonic()
    ended = command(*TRAIN, "--out", str(tmp_path), limit=60)
    assert [code for code, _ in ended] == [2, 2], ended
    assert all(f"--out {tmp_path}: not empty" in text and "Traceback" not in text for _, text in ended)
    assert time.monotonic() - began < 60
