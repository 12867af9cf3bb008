"""Power cuts: whatever was called saved is there afterwards, and a run whose birth was not called done is whole or not there.

`python -m tests.attack power_loss`: 1,000 cuts over all traces, and every mutant of the program is caught. A real train, resume
and report are recorded (`lossy_disk.py`), cut off after any call, and looked at as the disk may be then.
"""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

from tests.attack.case import Case
from tests.attack.child import forked
from tests.attack.lossy_disk import Disk, Recorder, Step
from tests.attack.verdict import Ending, Verdict, said_wrong
from tutelage.cli.main import main as tutelage
from tutelage.core import layout
from tutelage.core.durable import make_folder
from tutelage.core.emitter import Emitter
from tutelage.core.errors import TutelageError
from tutelage.core.events import Event, Saved, Started
from tutelage.core.manifest import Manifest
from tutelage.predictor.predictor import load_predictor
from tutelage.run import birth
from tutelage.run.lock import locked
from tutelage.training import checkpoint, writer
from tutelage.training.checkpoint import checkpoints, load_checkpoint, newest_checkpoint
from tutelage.training.state import Snapshot, digest

__all__ = ["MUTANTS", "Trace", "attack", "cases", "cut", "goes_on", "look", "record", "traces"]

RUN = "new/deep/run"
WORDS = [
    "train", "sklearn:iris", "--steps", "24", "--quiet", "--set", "model=linear", "--set", "save.every_seconds=0",
]  # fmt: skip
FIRST = (layout.RECIPE, layout.ENV, layout.DATA, layout.PLAN)
ENDED, BORN = "ended", "born"
CUTS = 1000
TORN = "the files of its birth are not whole"


@dataclass(frozen=True)
class Trace:
    """A command, as it was recorded.

    Attributes:
        name: What is recorded.
        steps: What was there before, all of it synced, and then what happened.
        start: How many of the steps only tell of what was there.
        before: Every file at the start, by its path.
        end: Every file at the end, by its path.
    """

    name: str
    steps: list[Step]
    start: int
    before: dict[str, bytes]
    end: dict[str, bytes]

    @property
    def promises(self) -> list[int]:
        """Return the cuts that come right after something was called done, which are the hardest."""
        return [at for at in range(self.start + 1, len(self.steps) + 1) if self.steps[at - 1].kind == "promise"]

    def at(self, cut: int) -> tuple[Disk, set[Any]]:
        """Return the disk after some steps, and what was promised by then."""
        disk = Disk()
        for step in self.steps[:cut]:
            disk.take(step)
        return disk, {step.promise for step in self.steps[:cut] if step.kind == "promise"}


def record(
    name: str,
    words: list[str],
    root: Path,
    *,
    promised: tuple[Any, ...] = (),
    forgets: Callable[[Path], bool] = lambda path: False,
) -> Trace:
    """Run a command in a folder, and return its trace."""
    recorder = Recorder(root, forgets=forgets)
    there = Disk()
    for step in recorder.steps:
        there.take(step)
    recorder.steps += [Step("sync", item) for item in (*there.contents, *there.names)]
    recorder.steps += [Step("promise", promise=each) for each in promised]
    start = len(recorder.steps)
    emit = Emitter.emit

    def tell(self: Emitter, event: Event) -> None:
        emit(self, event)
        if isinstance(event, Started):
            recorder.promise(BORN)
        if isinstance(event, Saved):
            recorder.promise(event.step)

    with recorder.watching(), mock.patch.object(Emitter, "emit", tell), redirect_stdout(StringIO()):
        code = tutelage(words)
        assert code == 0, f"{words}: exit {code}"
        recorder.promise(ENDED)
    whole = Disk()
    for step in recorder.steps:
        whole.take(step)
    return Trace(name, recorder.steps, start, there.live(), whole.live())


def traces(place: Path, *, forgets: Callable[[Path], bool] = lambda path: False) -> Iterator[Trace]:
    """Record a training in a new folder and in one that is there, two resumes and a report."""
    roots = [place / name for name in ("train", "there", "again", "resume", "report")]
    roots[0].mkdir(parents=True)
    (roots[1] / RUN).mkdir(parents=True)
    train = record("train", [*WORDS, "--out", str(roots[0] / RUN)], roots[0], forgets=forgets)
    yield train
    yield record("train in a folder that is there", [*WORDS, "--out", str(roots[1] / RUN)], roots[1], forgets=forgets)
    for root, promise in ((roots[2], BORN), (roots[3], 8)):
        cut = next(at for at, step in enumerate(train.steps) if step.promise == promise) + 1
        disk, promised = train.at(cut)
        disk.lay_out(root, chance=None)
        words = ["resume", str(root / RUN), "--quiet"]
        yield record(f"resume after {promise!r}", words, root, promised=tuple(promised), forgets=forgets)
    train.at(len(train.steps))[0].lay_out(roots[4], chance=None)
    promised = tuple(train.at(len(train.steps))[1])
    yield record("report", ["report", str(roots[4] / RUN)], roots[4], promised=promised, forgets=forgets)


def look(
    root: Path,
    promised: set[Any],
    *,
    live: dict[str, bytes],
    end: dict[str, bytes],
    before: dict[str, bytes] | None = None,
) -> Iterator[str]:
    """Give what is lost or half there after a power cut.

    Args:
        root: The state after it.
        promised: What was called done before.
        live: Every file at the moment of the cut.
        end: Every file at the end of the command.
        before: Every file at its start, where it has not ended: what it replaces may still be what it was.
    """
    run = root / RUN
    if not (run / layout.PLAN).is_file():
        yield from _look_at_nothing(run, promised)
        return
    yield from (f"{name}: {TORN}" for name in FIRST if not _is_as(run / name, end))
    saved = max((step for step in promised if isinstance(step, int)), default=-1)
    try:
        snapshot = newest_checkpoint(run)[0] if saved >= 0 or checkpoints(run) else None
    except TutelageError as error:
        if saved >= 0:
            yield f"step {saved} was called saved: {error}"
        return
    if snapshot is not None:
        if snapshot.step < saved:
            yield f"step {saved} was called saved, the newest is {snapshot.step}"
        yield from _look_at_logs(run, snapshot, live)
    if ENDED in promised:
        yield from _look_at_end(run, [live, end, *([before] if before else [])])


def _look_at_nothing(run: Path, promised: set[Any]) -> Iterator[str]:
    """Give what is wrong where there is no plan."""
    if promised:
        yield f"the run is gone after {sorted(map(str, promised))}"
    try:
        birth.check_place(str(run))
    except TutelageError as error:
        yield f"a half-born run is in the way: {error}"


def _look_at_logs(run: Path, snapshot: Snapshot, live: dict[str, bytes]) -> Iterator[str]:
    """Give each log that lacks what its checkpoint counts on."""
    for name, (offset, _) in snapshot.values["outside"].get("logs", {}).items():
        path = run / name
        kept = path.read_bytes()[:offset] if path.is_file() else b""
        if kept != live[f"{RUN}/{name}"][:offset]:
            yield f"{name}: not as step {snapshot.step} counts on, {len(kept)} of {offset} bytes"


def _look_at_end(run: Path, states: Sequence[dict[str, bytes]]) -> Iterator[str]:
    """Give what a command that said that all is done has lost."""
    for name in (layout.RESULT, layout.TEST_OPENED, layout.REPORT, layout.EVENTS, layout.METRICS):
        if not any(_is_as(run / name, state) for state in states):
            yield f"{name}: lost after the end"
    for name in (layout.BEST, layout.LAST):
        with suppress(TutelageError):
            load_predictor(run / name / layout.PREDICTOR)
            continue
        yield f"{name}: lost after the end"


def _is_as(path: Path, files: dict[str, bytes]) -> bool:
    """Tell whether a file at the top of the run has the content that is known."""
    return path.is_file() and path.read_bytes() == files.get(f"{RUN}/{path.name}")


def cut(trace: Trace, place: Path, chance: random.Random) -> list[str]:
    """Cut a command off at a random moment, during its birth or right after a promise, and return what is wrong then."""
    manner = chance.random()
    at = chance.randint(trace.start, len(trace.steps))
    if manner < 0.25:
        at = chance.randint(trace.start, trace.promises[0])
    elif manner < 0.5:
        at = chance.choice(trace.promises)
    disk, promised = trace.at(at)
    disk.lay_out(place, chance=chance)
    before = trace.before if at < len(trace.steps) else None
    return list(look(place, promised, live=disk.live(), end=trace.end, before=before))


def goes_on(place: Path) -> str:
    """Go on after a power cut as a user would, and return the digest of the end."""
    run = place / RUN
    words = ["resume", str(run), "--quiet"] if (run / layout.PLAN).is_file() else [*WORDS, "--out", str(run)]
    code = tutelage(words)
    assert code == 0, f"{words}: exit {code}"
    return digest(load_checkpoint(checkpoints(run)[-1]))


@contextmanager
def _born_in_place(out: str, *, name: str, fill: Callable[[Path], None]) -> Iterator[Path]:
    """Make the folder first, and fill it then."""
    make_folder(Path(out))
    with locked(Path(out)):
        fill(Path(out))
        yield Path(out)


def _prune_first(run_dir: Path, snapshot: Snapshot, *, manifest: Manifest | None = None) -> str:
    """Remove the old checkpoints, and write the new one then."""
    for old in checkpoints(run_dir):
        old.unlink()
    return checkpoint.save_checkpoint(run_dir, snapshot, manifest=manifest)


Mutant = tuple[Callable[[Path], bool], Any]
NOTHING = mock.patch.dict({}, {})
MUTANTS: dict[str, Mutant] = {
    "rename without sync": (lambda path: path.name.endswith(".tmp"), NOTHING),
    "folders not synced": (lambda path: path.is_dir(), NOTHING),
    "parents not synced": (lambda path: path.is_dir() and RUN not in str(path), NOTHING),
    "logs not synced": (lambda path: path.suffix == ".jsonl", NOTHING),
    "birth not by rename": (lambda path: False, mock.patch("tutelage.run.start.born", _born_in_place)),
    "pruned before saved": (lambda path: False, mock.patch.object(writer, "save_checkpoint", _prune_first)),
}
"""Programs with one fault: which syncs they forget, and what is done otherwise."""


def attack(place: Path, *, cuts: int, seed: int = 0, mutant: str = "") -> tuple[Counter[str], list[str]]:
    """Record all traces, cut each off again and again, and return how often, and what was wrong."""
    forgets, otherwise = MUTANTS.get(mutant, (lambda path: False, NOTHING))
    with otherwise:
        recorded = list(traces(place / "traces", forgets=forgets))
    chance, counts, wrong = random.Random(seed), Counter[str](), list[str]()
    for number in range(cuts):
        trace = recorded[number % len(recorded)]
        state = place / f"cut-{number}"
        wrong += [f"{trace.name}, cut {number}: {each}" for each in cut(trace, state, chance)]
        counts[trace.name] += 1
        shutil.rmtree(state)
    return counts, wrong


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Cut each trace off again and again, and try every mutant of the program."""
    recorded = list(traces(scratch / "traces"))
    for number in range(20 if is_sample else CUTS):
        trace = recorded[number % len(recorded)]
        yield Case(f"{trace.name}, cut {number}", partial(_tried, trace, number))
    for name in list(MUTANTS)[:1] if is_sample else MUTANTS:
        yield Case(f"mutant: {name}", partial(_caught, name))


def _tried(trace: Trace, number: int, folder: Path) -> Verdict:
    """Cut a trace off, and look."""
    return said_wrong("; ".join(cut(trace, folder / "disk", random.Random(number))))


def _caught(mutant: str, folder: Path) -> Verdict:
    """Cut a program with a fault off; nothing lost would mean that this attack sees nothing."""
    outcome = forked(lambda: int(not attack(folder, cuts=200, mutant=mutant)[1]), folder=folder, limit=600)
    return Verdict(Ending.RIGHT) if outcome.code == 0 else Verdict(Ending.UNCLEAR, f"not caught: {outcome.tail}")
