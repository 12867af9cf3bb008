"""Several processes begin or go on with one run at the same moment: one owns it, the others are told.

`python -m tests.attack owners`: 20 rounds of two and of eight processes each, with the system's locks and without. The processes
are forked from one that has loaded everything, and begin together.
"""

import errno
import fcntl
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from unittest import mock

from tests.attack.case import Case
from tests.attack.verdict import Verdict, said_wrong
from tutelage.cli.main import main as tutelage
from tutelage.core import layout
from tutelage.core.emitter import Emitter
from tutelage.core.events import Event, Saved
from tutelage.run.birth import is_unborn
from tutelage.run.lock import OWNER
from tutelage.training.checkpoint import checkpoints

__all__ = ["cases", "resume", "train"]

WORDS = [
    "train", "sklearn:iris", "--steps", "12", "--quiet", "--set", "model=linear", "--set", "save.every_seconds=0",
]  # fmt: skip
KILLED_AT = 4
ROUNDS = 20


def together(work: list[Callable[[], int]], place: Path) -> list[tuple[int, str]]:
    """Let several processes work at the same moment; return each one's exit code, and what it told."""
    gate, opened = os.pipe()
    children = []
    for number, each in enumerate(work):
        child = os.fork()
        if not child:
            os.close(opened)
            _work(each, place / f"told-{number}", gate)
        children.append(child)
    os.close(gate)
    os.close(opened)  # all of them wait for this end of the pipe
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return [(code, (place / f"told-{number}").read_text(encoding="utf-8")) for number, code in enumerate(codes)]


def _work(work: Callable[[], int], told: Path, gate: int) -> None:
    """Be one of these processes; never returns."""
    code = 99
    try:
        output = os.open(told, os.O_CREAT | os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.read(gate, 1)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        code = work()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _killed(run: Path) -> int:
    """Train, and be killed once a few checkpoints are there."""
    emit = Emitter.emit

    def tell(self: Emitter, event: Event) -> None:
        emit(self, event)
        if isinstance(event, Saved) and event.step >= KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)

    with mock.patch.object(Emitter, "emit", tell):
        return tutelage([*WORDS, "--out", str(run)])


def train(place: Path, count: int, *, is_there: bool) -> Iterator[str]:
    """Begin one run several times; give what is wrong afterwards."""
    run = place / "run"
    if is_there:
        run.mkdir()
    ends = together([lambda: tutelage([*WORDS, "--out", str(run)])] * count, place)
    if [code for code, _ in ends].count(0) != 1:
        yield f"not one owner: {ends}"
    refusals = ("not empty", "another process")
    yield from (f"not told: {code}, {text}" for code, text in ends if code and not (code == 2 and _says(text, refusals)))
    yield from _look(run)


def resume(place: Path, count: int) -> Iterator[str]:
    """Go on with one killed run several times; give what is wrong afterwards."""
    run = place / "run"
    code, text = together([lambda: _killed(run)], place)[0]
    assert code == -signal.SIGKILL, text
    ends = together([lambda: tutelage(["resume", str(run), "--quiet"])] * count, place)
    for code, text in ends:
        if code not in (0, 2) or (code == 2 and not _says(text, ("another process",))):
            yield f"not told: {code}, {text}"
    yield from _look(run)
    names = [json.loads(line)["event"] for line in (run / layout.EVENTS).read_text(encoding="utf-8").splitlines()]
    if (names.count("Resumed"), names.count("Finished")) != (1, 1):
        yield f"more than one process went on, or none: {names}"


def _says(text: str, words: tuple[str, ...]) -> bool:
    return "Traceback" not in text and any(word in text for word in words)


def _look(run: Path) -> Iterator[str]:
    """Give what is wrong with a run that has ended, or with what lies beside it."""
    if not (run / layout.RESULT).is_file() or checkpoints(run)[-1].stem != "000000012":
        yield "the run has not come to its end"
    events = (run / layout.EVENTS).read_text(encoding="utf-8")
    if "opened before" in events:
        yield "the test part was read twice"
    left = [path.name for path in (*run.parent.iterdir(), *run.iterdir()) if is_unborn(path) or path.name == OWNER]
    if left:
        yield f"left over: {left}"


Way = Callable[[Path, int], Iterator[str]]
WAYS: dict[str, Way] = {
    "train": partial(train, is_there=False),
    "train in a folder that is there": partial(train, is_there=True),
    "resume": resume,
}


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Try everything several times, with the system's locks and without."""
    for locks, (name, way), count, number in product(
        ("with", "without"), WAYS.items(), (2,) if is_sample else (2, 8), range(1 if is_sample else ROUNDS)
    ):
        yield Case(f"{name}, {count} processes {locks} locks, round {number}", partial(_tried, way, count, locks))


def _tried(way: Way, count: int, locks: str, folder: Path) -> Verdict:
    """Begin, or go on, together."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    with mock.patch.object(fcntl, "flock", refuse if locks == "without" else fcntl.flock):
        return said_wrong("; ".join(way(folder, count)))
