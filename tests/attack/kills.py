"""Kills at every durable moment of train, resume and report: the next command mends what is left, to the same bits.

ATTACK_EVERY=1 python -m tests.attack kills     every moment of every recipe, not only of two
"""

import os
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.attack.case import Case
from tests.attack.child import Outcome, command
from tests.attack.recipes import RECIPES
from tests.attack.runs import Reference, equal_training, number_of_changes, prepare
from tests.attack.verdict import REFUSALS, Ending, Verdict, judge
from tests.attack.watch import kill_at

__all__ = ["at", "cases", "go_on", "in_turn", "mended"]

SAMPLE_MOMENTS = 4
WHOLE = ("table", "image")
"""Recipes that are killed at every moment; the others at each fifth, unless asked otherwise."""
EVERY = int(os.environ.get("ATTACK_EVERY", "5"))


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Kill each recipe's training, its resumption and its report."""
    for name in ("table",) if is_sample else RECIPES:
        reference = prepare(name, scratch)
        for verb, state in (("train", ""), ("resume", "killed"), ("resume", "paused"), ("report", "run")):
            moments = range(1, _count(reference, verb, state, scratch) + 1)
            chosen = random.Random(verb + state).sample(moments, SAMPLE_MOMENTS) if is_sample else moments[:: _stride(name)]
            for number in chosen:
                yield Case(f"{name} {verb} {state} at {number}", partial(at, reference, verb, state, number))


def _stride(name: str) -> int:
    """Return of how many moments one is tried."""
    return 1 if name in WHOLE else EVERY


def _count(reference: Reference, verb: str, state: str, scratch: Path) -> int:
    """Return how many changes an undisturbed command makes."""
    folder = scratch / f"{reference.name}-{verb}-{state}"
    folder.mkdir()
    reference.copy(folder, state=state)
    return number_of_changes(command(_words(reference, verb, folder), folder=folder, before=kill_at(0, below=folder)))


def _words(reference: Reference, verb: str, folder: Path) -> list[str]:
    """Return a command line."""
    return RECIPES[reference.name].train(fresh(folder)) if verb == "train" else [verb, "run"]


def fresh(folder: Path) -> Path:
    """Remove what a recipe makes by itself."""
    import shutil

    for path in folder.iterdir():
        if path.name != "run" and not path.name.startswith("."):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder


def at(
    reference: Reference,
    verb: str,
    state: str,
    number: int,
    folder: Path,
    *,
    mutant: Callable[[], object] = lambda: None,
) -> Verdict:
    """Kill a command at one of its changes, and let the next one mend it; a mutant breaks the program in both processes."""
    reference.copy(folder, state=state)
    armed = in_turn(mutant, kill_at(number, below=folder))
    killed = command(_words(reference, verb, folder), folder=folder, before=armed)
    if killed.code != -signal.SIGKILL and killed.code != 0:
        return Verdict(Ending.UNCLEAR, f"not killed: {killed.tail}")
    return replace(mended(reference, folder, verb=verb, mutant=mutant), kills=int(killed.code == -signal.SIGKILL))


def in_turn(*parts: Callable[[], object]) -> Callable[[], None]:
    """Return what does several things before a command begins."""

    def before() -> None:
        for part in parts:
            part()

    return before


def go_on(reference: Reference, folder: Path) -> list[str]:
    """Return the command that a user would type next: resume where there is a run, else train."""
    return ["resume", "run", "--quiet"] if (folder / "run").exists() else RECIPES[reference.name].train(fresh(folder))


def mended(reference: Reference, folder: Path, *, verb: str, mutant: Callable[[], object] = lambda: None) -> Verdict:
    """Judge what the next command makes of what is left; a mutant breaks the program in its process."""
    words = ["report", "run"] if verb == "report" else go_on(reference, folder)
    outcome = command(words, folder=folder, before=mutant)
    verdict = judge(outcome, is_right=True, places=["run"])
    if outcome.code in REFUSALS and verdict.ending in (Ending.REFUSED, Ending.UNCLEAR):
        return Verdict(Ending.STUCK, f"a killed run is not mended: {outcome.tail}")
    if verdict.ending is not Ending.RIGHT:
        return verdict
    if not equal_training(folder / "run", reference):
        return Verdict(Ending.SILENT, f"differs from the undisturbed run{_difference(folder / 'run', reference)}")
    return _without_leftovers(outcome, folder)


def _without_leftovers(outcome: Outcome, folder: Path) -> Verdict:
    """Judge whether something that no run has is left beside or in the run."""
    left = [path for path in folder.rglob("*") if ".tmp" in path.name or (path.parent == folder and path.name.startswith("."))]
    if left:
        return Verdict(Ending.UNCLEAR, f"left behind: {', '.join(str(path.relative_to(folder)) for path in left)}")
    return Verdict(Ending.RIGHT)


def _difference(run: Path, reference: Reference) -> str:
    """Name what differs."""
    from tests.attack.runs import final

    try:
        found = final(run)
    except Exception as error:
        return f": {error}"
    told = []
    for key, mine in found.items():
        expected = reference.final[key]
        if isinstance(mine, list) and mine != expected:
            # Of long lists, what only one of them has says more than how both begin.
            mine = [each for each in mine if each not in expected] or f"{len(mine)} entries"
            expected = [each for each in expected if each not in found[key]] or f"{len(expected)} entries"
        if mine != expected:
            told.append(f"{key} ({mine!s:.300} for {expected!s:.300})")
    return ": " + ", ".join(told)
