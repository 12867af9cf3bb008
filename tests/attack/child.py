"""A command in a forked process: everything is imported already, so a case takes a moment and not seconds."""

import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.attack.watch import watch_writes

__all__ = ["Outcome", "command", "forked"]

LIMIT_SECONDS = 120.0
BEHIND_OTHERS = 20
"""How many times as long may be waited where this process gives way to others (`nice`)."""
MEMORY_BYTES = 12 * 2**30
"""No case may take more address space: one that takes all would end the harness."""


@dataclass(frozen=True)
class Outcome:
    """How a process ended.

    Attributes:
        code: Its exit code; minus the signal's number where one ended it.
        out: Its standard output.
        err: Its standard error.
        seconds: How long it took.
        is_late: It had to be killed at the time limit.
        outside: Places outside the allowed folders that it opened for writing.
    """

    code: int
    out: str = ""
    err: str = ""
    seconds: float = 0.0
    is_late: bool = False
    outside: tuple[str, ...] = field(default=())

    @property
    def tail(self) -> str:
        """The last of what it said."""
        return (self.err or self.out).strip()[-400:]


def command(
    words: Sequence[str],
    *,
    folder: Path,
    limit: float = LIMIT_SECONDS,
    before: Callable[[], object] | None = None,
    after: float | None = None,
    user: int | None = None,
) -> Outcome:
    """Run `tutelage` with these words in a forked process.

    Args:
        words: The command line.
        folder: The working folder; only below it may be written.
        limit: Seconds after which it counts as hanging.
        before: Done in the new process first: arms a kill, breaks the program.
        after: Seconds after which it is killed, on purpose.
        user: Number of the user to become, who is not almighty.
    """

    def run() -> int:
        from tutelage.cli.main import main

        return main(list(words))

    return forked(run, folder=folder, limit=limit, before=before, after=after, user=user)


def forked(
    run: Callable[[], int],
    *,
    folder: Path,
    limit: float = LIMIT_SECONDS,
    before: Callable[[], object] | None = None,
    after: float | None = None,
    user: int | None = None,
) -> Outcome:
    """Run a function in a forked process with a working folder, a home and a place for temporary files of its own."""
    with tempfile.TemporaryDirectory(prefix="tutelage-attack-") as aside:
        place = Path(aside)
        place.chmod(0o777)
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            _child(run, folder=folder, place=place, before=before, user=user)
        patience = BEHIND_OTHERS if os.nice(0) > 0 else 1
        is_late, code = _wait(pid, began + (patience * limit if after is None else after))
        seconds = time.monotonic() - began
        outside = _read(place / "outside").splitlines()
        late = is_late and after is None
        return Outcome(code, _read(place / "out"), _read(place / "err"), seconds, late, tuple(dict.fromkeys(outside)))


def _child(run: Callable[[], int], *, folder: Path, place: Path, before: Callable[[], object] | None, user: int | None) -> None:
    """Do the work and leave this process for good."""
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        for name, number in (("out", 1), ("err", 2)):
            opened = os.open(place / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666)
            os.dup2(opened, number)
        (place / "outside").touch()
        (place / "outside").chmod(0o666)
        (place / "tmp").mkdir()
        (place / "tmp").chmod(0o777)
        os.environ |= {"HOME": str(place / "tmp"), "TMPDIR": str(place / "tmp")}
        # Torch has chosen it when it was imported, by the folder for temporary files of that time.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(place / "tmp" / "inductor")
        tempfile.tempdir = None
        sys.stdout = open(1, "w", encoding="utf-8", errors="strict", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if user is not None:
            os.setgid(user)
            os.setuid(user)
        watch_writes((folder, place), told=place / "outside")
        if before is not None:
            before()
        code = run()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _wait(pid: int, end: float) -> tuple[bool, int]:
    """Wait for a process, and kill its group at the time limit."""
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            _kill(pid)
            return False, os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    _kill(pid)
    return True, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _kill(pid: int) -> None:
    """Kill what is left of a process's group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _read(path: Path) -> str:
    """Return a file's text, "" where there is none."""
    return path.read_bytes().decode("utf-8", "backslashreplace") if path.exists() else ""


def answer(outcome: Outcome) -> object:
    """Return what a command printed as JSON, None where it printed none."""
    try:
        return json.loads(outcome.out)
    except ValueError:
        return None
