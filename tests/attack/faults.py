"""Faults at every durable moment: `python -m tests.attack faults`.

In a real command, the Nth write, sync, rename, folder, opening or cut below its folder fails, once or from then on, for every
N until the command ends before the fault comes. Each ends in the right answer, or in exit code 2 or 3 with a message that
names the file; nothing is left aside; and with the disk well again, `resume` (or `train` anew, where there is no run) ends with
the digest of an undisturbed run and the whole of its log.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from tests.attack import case as attack
from tests.attack.injection import Fault, Kind, injected
from tests.attack.verdict import Ending, Verdict, said_wrong
from tutelage.cli.main import main as command
from tutelage.training.checkpoint import newest_checkpoint
from tutelage.training.state import digest

__all__ = ["cases"]

SETTINGS = ["--set", "save.every_seconds=0", "--set", "save.patience_seconds=0.2", "--set", "model.members=1"]
TRAIN = ["train", "sklearn:iris", "--steps", "4", *SETTINGS, "--set", "model.hidden=[8]", "--quiet", "--out", "run"]
WORDS = {
    "train": TRAIN,
    "resume": ["resume", "run", "--quiet"],
    "report": ["report", "run"],
    "predict": ["predict", "run", "new.csv", "--out", "answers.csv"],
}
LIMIT_S = 120
SAMPLE = (
    ("train", 45, "ENOSPC", True),
    ("train", 70, "EIO", False),
    ("train", 25, "short", False),
    ("resume", 20, "ENOSPC", False),
    ("resume", 3, "EROFS", True),
    ("report", 3, "ENOSPC", False),
    ("predict", 2, "EIO", False),
)
"""Cases of each kind for a sample: verb, number of the operation, what the disk says, whether it lasts."""
KINDS: tuple[Kind, ...] = ("ENOSPC", "EIO", "short")
KILLED_AT = 0.6
"""Part of a training's operations after which the run to be resumed was killed."""


@dataclass(frozen=True, slots=True)
class Case:
    """One fault in one command."""

    verb: str
    at: int
    kind: Kind
    lasting: bool


@dataclass(frozen=True, slots=True)
class End:
    """How a command ended: its exit code (negative: the signal), what it said, and the operations that failed and passed."""

    code: int
    said: str
    fired: tuple[str, ...]
    num_passed: int


@dataclass(frozen=True)
class Ground:
    """What cases start from, and what they are compared with: folders below `home`, a digest, the points of the log."""

    home: Path
    digest: str
    points: tuple[str, ...]


def cases(scratch: Path, *, is_sample: bool) -> Iterator[attack.Case]:
    """Let every operation of every command fail, once and from then on."""
    ground = prepared(scratch / "home")
    if is_sample:
        chosen = [Case(*each) for each in SAMPLE]
    else:
        counts = {verb: _number(verb, ground) for verb in WORDS}
        ways = product(WORDS, KINDS, (False, True))
        chosen = [Case(verb, at, kind, lasting) for verb, kind, lasting in ways for at in range(1, counts[verb] + 1)]
    for case in chosen:
        yield attack.Case(
            f"{case.verb} {case.kind}{' lasting' if case.lasting else ''} at {case.at}",
            partial(_tried, case, ground, must_fire=is_sample),
        )


def run_command(words: Sequence[str], folder: Path, fault: Fault) -> End:
    """Run one command in a child of this process, with a fault below a folder."""
    with tempfile.TemporaryDirectory() as aside:
        said, told = Path(aside, "said"), Path(aside, "told")
        child = os.fork()
        if child == 0:
            _be_command(words, folder, fault, said, told)
        code = _wait(child)
        record = json.loads(told.read_text()) if told.exists() else {"fired": [], "passed": 0}
        return End(code, said.read_text(errors="replace"), tuple(record["fired"]), record["passed"])


def _be_command(words: Sequence[str], folder: Path, fault: Fault, said: Path, told: Path) -> None:
    """Be the child: run the command and end."""
    code = 99
    try:
        os.chdir(folder)
        sys.argv = ["tutelage", *words]
        output = os.open(said, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        torch.set_num_threads(1)
        with injected(fault):
            code = command(list(words))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        told.write_text(json.dumps({"fired": [f"{each.what} {each.path}" for each in fault.fired], "passed": len(fault.passed)}))
        os._exit(code)


def _wait(child: int) -> int:
    """Return a child's exit code; one that does not end is killed."""
    ends = time.monotonic() + LIMIT_S
    while time.monotonic() < ends:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGALRM


def prepared(home: Path) -> Ground:
    """Make what the cases start from: an ended run, and one that was killed on its way."""
    for name in ("warm", "train", "ended", "killed"):
        (home / name).mkdir(parents=True)
    # Once in this process: what a training imports, and the children then need not.
    torch.set_num_threads(1)
    assert command([*TRAIN[:-1], str(home / "warm" / "run")]) == 0
    ended = run_command(TRAIN, home / "ended", Fault(home))
    assert ended.code == 0, ended.said
    killed = run_command(TRAIN, home / "killed", Fault(home, at=int(ended.num_passed * KILLED_AT), kind="kill"))
    assert killed.code == -signal.SIGKILL, killed.said
    rows = "\n".join(
        ["sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)", "5.1,3.5,1.4,0.2", "6.2,2.8,4.8,1.8"]
    )
    (home / "ended" / "new.csv").write_text(rows + "\n")
    return Ground(home, _digest(home / "ended"), _points(home / "ended"))


def _number(verb: str, ground: Ground) -> int:
    """Return how many operations an undisturbed command asks of the disk."""
    with _started(verb, ground) as folder:
        return run_command(WORDS[verb], folder, Fault(folder)).num_passed


@contextmanager
def _started(verb: str, ground: Ground) -> Iterator[Path]:
    """Give a folder with what a command begins with."""
    start = {"train": "train", "resume": "killed", "report": "ended", "predict": "ended"}[verb]
    with tempfile.TemporaryDirectory(dir=ground.home) as name:
        folder = Path(name, "work")
        shutil.copytree(ground.home / start, folder, symlinks=True)
        yield folder


def _tried(case: Case, ground: Ground, folder: Path, *, must_fire: bool) -> Verdict:
    """Let one operation fail; a command that ends before it comes was not disturbed, and in a sample has tried nothing."""
    with _started(case.verb, ground) as work:
        ending = run_command(WORDS[case.verb], work, Fault(work, case.at, case.kind, case.lasting))
        if not ending.fired and ending.code != -signal.SIGALRM:
            tried = f"operation {case.at} never came: {ending.num_passed} did, exit code {ending.code}"
            return Verdict(Ending.UNCLEAR, tried) if must_fire or ending.code else Verdict(Ending.RIGHT)
        problems = [*_judge(case, ending, work, ground), *_recover(case, work, ground)]
    if problems:
        return said_wrong(f"{ending.fired[:2]}: {'; '.join(problems)}")
    return Verdict(Ending.RIGHT if ending.code == 0 else Ending.REFUSED)


def _judge(case: Case, ending: End, folder: Path, ground: Ground) -> list[str]:
    """Return what is wrong with how a command ended."""
    problems = []
    if ending.code == -signal.SIGALRM:
        problems.append("hangs")
    if "Traceback" in ending.said:
        problems.append(f"a traceback: {ending.said[-800:]}")
    if ending.code not in (0, 2, 3):
        problems.append(f"exit code {ending.code}: {ending.said[-800:]}")
    last = ending.said.strip().splitlines()[-1:] or [""]
    if ending.code in (2, 3) and not (
        last[0].startswith("tutelage") and str(folder.name) + "/" not in last[0] and _names(last[0])
    ):
        problems.append(f"names no file or no remedy: {ending.said[-800:]!r}")
    # What the killed run left is swept by a resume that gets that far.
    left = set(_aside(folder)) - (set(_aside(ground.home / "killed")) if case.verb == "resume" else set())
    if left:
        problems.append(f"left aside: {left}")
    if ending.code == 0 and case.verb in ("train", "resume"):
        problems += _compare(folder, ground)
    if ending.code == 0 and case.verb == "predict" and (folder / "answers.csv").read_text().count("\n") != 3:
        problems.append("answers are missing")
    return problems


def _names(line: str) -> bool:
    """Tell whether a message names a file of the run or of the answers, and what to do."""
    names = ("run/", "run:", "answers.csv")
    remedies = ("Make room", "disk", "file system", "Is the folder still there")
    return any(name in line for name in names) and any(remedy in line for remedy in remedies)


def _recover(case: Case, folder: Path, ground: Ground) -> list[str]:
    """Go on with the disk well again, and return what is wrong with that."""
    if case.verb in ("report", "predict"):
        words = WORDS[case.verb]
    else:
        words = WORDS["resume"] if (folder / "run" / "plan.json").exists() else TRAIN
    again = run_command(words, folder, Fault(folder))
    if again.code != 0:
        return [f"{words[0]} afterwards: exit code {again.code}: {again.said[-800:]}"]
    left = _aside(folder)
    return [*_compare(folder, ground), *([f"left aside afterwards: {left}"] if left else [])]


def _aside(folder: Path) -> list[str]:
    """Return the names of files that were written aside and are still there."""
    return [path.name for pattern in (".*.tmp", ".tmp??????") for path in folder.rglob(pattern)]


def _compare(folder: Path, ground: Ground) -> list[str]:
    """Return where a run differs from the undisturbed one."""
    problems = [] if _digest(folder) == ground.digest else ["another digest"]
    if _points(folder) != ground.points:
        problems.append(f"another log: {_points(folder)} instead of {ground.points}")
    return problems + [f"no {name}" for name in ("result.json", "report.html") if not (folder / "run" / name).exists()]


def _digest(folder: Path) -> str:
    """Return the digest of a run's newest checkpoint."""
    return digest(newest_checkpoint(folder / "run")[0])


def _points(folder: Path) -> tuple[str, ...]:
    """Return the points of a run's log, each once, without its times; lines between them are told by the clock."""
    lines = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    return tuple(json.dumps({key: value for key, value in line.items() if key != "seconds"}) for line in lines)
