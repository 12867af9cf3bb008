"""Flipped bits, cut, emptied, missing and exchanged files: every file of finished, paused and killed runs of each task."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from tests.attack.case import Case
from tests.attack.child import command
from tests.attack.recipes import RECIPES
from tests.attack.runs import Reference, ask, equal_training, prepare
from tests.attack.verdict import BAD, Ending, Verdict, judge

STATES = ("run", "paused", "killed")
PER_FILE = {"flip": 6, "cut": 3}
SAMPLE_STRIDE = 4
IGNORED = (".lock",)


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Give all cases, or each fourth of one recipe and the two plainest harms."""
    yield from islice(_every(scratch, is_sample=is_sample), 0, None, SAMPLE_STRIDE if is_sample else 1)


def _every(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Damage each file of each run in several ways."""
    for name in ("table",) if is_sample else RECIPES:
        reference = prepare(name, scratch)
        for state in STATES:
            run = reference.folder / state
            for path in sorted(path for path in run.rglob("*") if path.is_file() and path.name not in IGNORED):
                file = str(path.relative_to(run))
                for kind, harm in HARMS.items():
                    for number in range(1 if is_sample else PER_FILE.get(kind, 1)):
                        if is_sample and kind not in ("flip", "missing"):
                            continue
                        yield Case(
                            f"{name} {state} {file} {kind} {number}", partial(_damaged, reference, state, file, harm, number)
                        )


def _damaged(
    reference: Reference, state: str, file: str, harm: Callable[[Path, random.Random], None], number: int, folder: Path
) -> Verdict:
    """Damage a file, and let each command make of it what it can."""
    reference.copy(folder, state=state)
    harm(folder / "run" / file, random.Random(f"{reference.name} {state} {file} {number}"))
    places = [Path(file).name, file]
    verdicts = [_finished(reference, folder, places) if state == "run" else _continued(reference, folder, places)]
    return next((verdict for verdict in verdicts if verdict.ending in BAD), verdicts[0])


def _finished(reference: Reference, folder: Path, places: list[str]) -> Verdict:
    """Ask a finished run for everything that it can tell."""
    answers, outcomes = ask(folder, RECIPES[reference.name].ask)
    pairs = zip(outcomes, ("evaluate", "predict", "runs"), strict=True)
    verdicts = [
        judge(outcome, is_right=getattr(answers, verb) == getattr(reference.answers, verb), places=places)
        for outcome, verb in pairs
    ]
    report = command(["report", "run"], folder=folder)
    is_same = _page(folder) == _page(reference.folder)
    verdicts.append(judge(report, is_right=is_same, places=places))
    again = command(["resume", "run"], folder=folder)
    verdicts.append(judge(again, is_right="has ended" in again.err + again.out, places=places))
    return _worst(verdicts)


def _page(folder: Path) -> str:
    """Return a report without its list of the files as they are now, which may be others and of other sizes."""
    path = folder / "run" / "report.html"
    return path.read_bytes().decode("utf-8", "replace").partition("Files of this run")[0] if path.exists() else ""


def _continued(reference: Reference, folder: Path, places: list[str]) -> Verdict:
    """Resume an interrupted run: it ends as the undisturbed one, or is refused."""
    outcome = command(["resume", "run", "--quiet"], folder=folder)
    return judge(outcome, is_right=equal_training(folder / "run", reference), places=places)


def _worst(verdicts: list[Verdict]) -> Verdict:
    """Return a bad verdict, else the last that is not plainly right."""
    bad = [verdict for verdict in verdicts if verdict.ending in BAD]
    other = [verdict for verdict in verdicts if verdict.ending is not Ending.RIGHT]
    return [*bad, *other, *verdicts][0]


def _flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def _digit(path: Path, chance: random.Random) -> None:
    """Change one digit into another: what still reads well is the worst."""
    content = bytearray(path.read_bytes())
    digits = [at for at, sign in enumerate(content[:200_000]) if chr(sign).isdigit() and sign < 128]
    if digits:
        at = chance.choice(digits)
        content[at] = ord("0") + (content[at] - ord("0") + 1) % 10
    path.write_bytes(content)


def _cut(path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(max(len(content), 1))])


def _line_less(path: Path, chance: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    if lines:
        del lines[chance.randrange(len(lines))]
    path.write_bytes(b"".join(lines))


def _exchanged(path: Path, chance: random.Random) -> None:
    others = [other for other in path.parent.iterdir() if other.is_file() and other != path and other.name not in IGNORED]
    path.write_bytes(chance.choice(others).read_bytes() if others else b"[]")


HARMS: dict[str, Callable[[Path, random.Random], None]] = {
    "flip": _flip,
    "digit": _digit,
    "cut": _cut,
    "empty": lambda path, chance: path.write_bytes(b"") and None,
    "missing": lambda path, chance: path.unlink(),
    "line": _line_less,
    "longer": lambda path, chance: path.write_bytes(path.read_bytes() + b'{"x": 1}\n') and None,
    "other": _exchanged,
}
