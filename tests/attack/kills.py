"""Kills at every durable moment of train, resume and report, and at random moments, in chains."""

import random
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.attack.case import Case
from tests.attack.child import Outcome, command
from tests.attack.recipes import RECIPES
from tests.attack.runs import Reference, equal_training, number_of_changes, prepare
from tests.attack.verdict import Ending, Verdict, judge
from tests.attack.watch import kill_at

CHAIN = 5
CHAINS_PER_RECIPE = 8
"""5 recipes x 8 chains x 5 kills = 200 kills."""
SAMPLE_MOMENTS = 4


def cases(scratch: Path, *, is_sample: bool) -> Iterator[Case]:
    """Kill each recipe's training, its resumption and its report."""
    for name in ("table",) if is_sample else RECIPES:
        reference = prepare(name, scratch)
        for verb, state in (("train", ""), ("resume", "killed"), ("resume", "paused"), ("report", "run")):
            moments = range(1, _count(reference, verb, state, scratch) + 1)
            chosen = random.Random(verb + state).sample(moments, SAMPLE_MOMENTS) if is_sample else moments
            for number in chosen:
                yield Case(f"{name} {verb} {state} at {number}", partial(_at, reference, verb, state, number))
        for chain in range(1 if is_sample else CHAINS_PER_RECIPE):
            yield Case(f"{name} chain {chain}", partial(_chain, reference, chain))


def _count(reference: Reference, verb: str, state: str, scratch: Path) -> int:
    """Return how many changes an undisturbed command makes."""
    folder = scratch / f"{reference.name}-{verb}-{state}"
    folder.mkdir()
    reference.copy(folder, state=state)
    return number_of_changes(command(_words(reference, verb, folder), folder=folder, before=kill_at(0, below=folder / "run")))


def _words(reference: Reference, verb: str, folder: Path) -> list[str]:
    """Return a command line."""
    return RECIPES[reference.name].train(_fresh(folder)) if verb == "train" else [verb, "run"]


def _fresh(folder: Path) -> Path:
    """Remove what a recipe makes by itself."""
    import shutil

    for path in folder.iterdir():
        if path.name != "run" and not path.name.startswith("."):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder


def _at(reference: Reference, verb: str, state: str, number: int, folder: Path) -> Verdict:
    """Kill a command at one of its changes, and let the next one mend it."""
    reference.copy(folder, state=state)
    killed = command(_words(reference, verb, folder), folder=folder, before=kill_at(number, below=folder / "run"))
    if killed.code != -signal.SIGKILL and killed.code != 0:
        return Verdict(Ending.UNCLEAR, f"not killed: {killed.tail}")
    return _mended(reference, folder, verb=verb)


def _chain(reference: Reference, chain: int, folder: Path) -> Verdict:
    """Kill at random moments, by the clock and at changes in turn, and then let it end."""
    chance = random.Random(f"{reference.name} {chain}")
    reference.copy(folder)
    kills = 0
    while kills < CHAIN:
        words = [*_continue(reference, folder)]
        if chance.random() < 0.5:
            outcome = command(words, folder=folder, after=chance.uniform(0.05, 1.2))
        else:
            outcome = command(words, folder=folder, before=kill_at(chance.randint(1, 60), below=folder / "run"))
        if outcome.code != -signal.SIGKILL:
            break
        kills += 1
    return _mended(reference, folder, verb="resume")


def _continue(reference: Reference, folder: Path) -> list[str]:
    """Return the command that a user would type next: resume where there is a run, else train."""
    return ["resume", "run", "--quiet"] if (folder / "run").exists() else RECIPES[reference.name].train(_fresh(folder))


def _mended(reference: Reference, folder: Path, *, verb: str) -> Verdict:
    """Judge what the next command makes of what is left."""
    outcome = command(["report", "run"] if verb == "report" else _continue(reference, folder), folder=folder)
    verdict = judge(outcome, is_right=True, places=["run"])
    if verdict.ending is not Ending.RIGHT:
        return Verdict(Ending.UNCLEAR, f"a killed run is not mended: {outcome.tail}")
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
    return ": " + ", ".join(
        f"{key} ({found[key]!s:.150} for {reference.final[key]!s:.150})" for key in found if found[key] != reference.final[key]
    )
