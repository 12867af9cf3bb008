"""Programs in new processes that begin at once: one process imports everything, and forks for each of them.

A new interpreter imports torch and much else for seconds. Tests that need processes to kill, to signal or to take the disk from
start them here. Where a test says that processes share nothing, such as the seed of hashes, it starts interpreters.
Only Linux forks; elsewhere each program gets an interpreter of its own.
"""

import atexit
import functools
import json
import os
import random
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

__all__ = ["Process", "start"]

ROOT = Path(__file__).parents[1]
PAUSE_SECONDS = 0.02


class Process:
    """A process that was started, used like `subprocess.Popen`; it leads a session of its own.

    Attributes:
        pid: Its number, which is that of its group.
        returncode: Its exit code, minus the signal's number where one ended it; None while it runs.
    """

    def __init__(self, program: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        aside = tempfile.mkdtemp(prefix="tutelage-fork-")
        weakref.finalize(self, shutil.rmtree, aside, ignore_errors=True)
        self._outputs = [Path(aside, name) for name in ("out", "err")]
        self._popen: subprocess.Popen[bytes] | None = None
        self.returncode: int | None = None
        request = {
            "program": [*program],
            "folder": str(folder),
            "environment": dict(environment),
            "outputs": [str(path) for path in self._outputs],
            "num_threads": torch.get_num_threads(),
        }
        if sys.platform == "linux":
            self.pid = int(_ask(start=request))
        else:
            out, err = (path.open("wb") for path in self._outputs)
            with out, err:
                self._popen = subprocess.Popen(
                    [sys.executable, *program], cwd=folder, env=environment, stdout=out, stderr=err, start_new_session=True
                )
            self.pid = self._popen.pid

    def poll(self) -> int | None:
        """Return the exit code; None while the process runs."""
        if self.returncode is None:
            self.returncode = _ask(poll=self.pid) if self._popen is None else self._popen.poll()
        return self.returncode

    def wait(self, timeout: float = 300.0) -> int:
        """Wait for the end, and return the exit code."""
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(PAUSE_SECONDS)
        return code

    def communicate(self, timeout: float = 300.0) -> tuple[str, str]:
        """Wait for the end, and return what was written to standard output and to standard error."""
        self.wait(timeout)
        out, err = (path.read_text(encoding="utf-8", errors="backslashreplace") for path in self._outputs)
        return out, err

    def kill(self) -> None:
        """Kill the process and its group, where it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


def start(*program: str, folder: Path, environment: Mapping[str, str] | None = None) -> Process:
    """Start a program in a process of its own.

    Args:
        program: What would follow `python`: `-m` and a module, or a file; then its words.
        folder: The working folder.
        environment: All that its environment holds; this process's where none is given.
    """
    return Process(program, folder, os.environ if environment is None else environment)


def _ask(**request: Any) -> Any:
    """Ask the server, and return its answer."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    return json.loads(server.stdout.readline())


@functools.cache
def _server() -> "subprocess.Popen[str]":
    """Start the server, once for all tests of this process."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.fork_server"],
        cwd=ROOT,
        # No thread may begin before it forks.
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(_end, server)
    return server


def _end(server: "subprocess.Popen[str]") -> None:
    """End the server: it kills what it has started when nobody can ask any more."""
    server.communicate()


def _serve() -> dict[str, Any] | None:
    """Answer until nobody asks any more; in a forked process, return what it is to do."""
    from tests.attack.recipes import start_calm

    start_calm()
    running: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            pid = os.fork()
            if pid == 0:
                started: dict[str, Any] = request["start"]
                return started
            running.add(pid)
            answer: int | None = pid
        else:
            ended, status = os.waitpid(request["poll"], os.WNOHANG)
            running.discard(ended)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in running:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    return None


def _become(request: Mapping[str, Any]) -> None:
    """Be the program that was asked for: in its place, with its streams, environment and words, and random numbers of its own."""
    os.setsid()
    os.chdir(request["folder"])
    places = [os.open(os.devnull, os.O_RDONLY)]
    places += [os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644) for path in request["outputs"]]
    for number, opened in enumerate(places):
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None
    torch.set_num_threads(request["num_threads"])
    random.seed()
    np.random.seed()
    first, *words = request["program"]
    if first == "-m":
        name, *words = words
        sys.argv = [name, *words]
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [first, *words]
        sys.path[0] = str(Path(first).parent)
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    asked = _serve()
    if asked is not None:
        _become(asked)
