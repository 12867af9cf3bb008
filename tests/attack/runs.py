"""Runs to attack: finished, paused and killed ones, and what tells whether two are equal."""

import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.attack.child import Outcome, answer, command
from tests.attack.recipes import RECIPES, Recipe
from tests.attack.watch import kill_at

__all__ = ["Answers", "Reference", "ask", "equal_training", "final", "number_of_changes", "prepare", "undisturbed"]

TIMES = ("seconds", "steps_per_second", "remaining_seconds", "time")


@dataclass(frozen=True)
class Answers:
    """What a finished run says to `evaluate`, `predict` and `runs`."""

    evaluate: object
    predict: object
    runs: object


@dataclass(frozen=True)
class Reference:
    """A recipe, undisturbed.

    Attributes:
        folder: Holds its data and the runs `run` (finished), `paused` and `killed`.
        name: The recipe.
        final: What the finished training came to.
        answers: What the finished run says.
        seconds: How long the training took.
    """

    folder: Path
    name: str
    final: dict[str, Any]
    answers: Answers
    seconds: float = 0.0

    def copy(self, folder: Path, *, state: str = "") -> None:
        """Put the data into a folder, and the run of this state as `run`."""
        for path in self.folder.iterdir():
            if path.name not in ("run", "paused", "killed"):
                shutil.copytree(path, folder / path.name) if path.is_dir() else shutil.copy(path, folder)
        if state:
            shutil.copytree(self.folder / state, folder / "run", symlinks=True)


def undisturbed(name: str, scratch: Path, *, mutant: Callable[[], object] = lambda: None) -> Reference:
    """Train a recipe to its end, and nothing else.

    Args:
        name: The recipe.
        scratch: Where its folder is made.
        mutant: Breaks the program in the process that trains.
    """
    folder = scratch / name
    folder.mkdir()
    whole = command(RECIPES[name].train(folder), folder=folder, before=mutant)
    assert whole.code == 0, whole.err
    return Reference(folder, name, final(folder / "run"), Answers(None, None, None), whole.seconds)


def prepare(name: str, scratch: Path, *, recipe: Recipe | None = None) -> Reference:
    """Train a recipe to its end, and once more until it is paused, and killed; that of this name where none is given."""
    folder, recipe = scratch / name, recipe or RECIPES[name]
    folder.mkdir()
    words = recipe.train(folder)
    whole = command(words, folder=folder, before=kill_at(0, below=folder / "run"))
    assert whole.code == 0, whole.err
    half = number_of_changes(whole) // 2
    # The same words, so that the copies are the same run: each is trained as `run`, and then put aside.
    (folder / "run").rename(folder / "whole")
    for state, sign in (("paused", signal.SIGTERM), ("killed", signal.SIGKILL)):
        outcome = command(words, folder=folder, before=kill_at(half, below=folder / "run", by=sign))
        assert outcome.code != 0, f"{name} {state}: {outcome.tail}"
        (folder / "run").rename(folder / state)
    (folder / "whole").rename(folder / "run")
    return Reference(folder, name, final(folder / "run"), ask(folder, recipe.ask)[0])


def number_of_changes(outcome: Outcome) -> int:
    """Return how many changes an undisturbed command made."""
    return int(outcome.err.rpartition("changes=")[2].split()[0])


def final(run: Path) -> dict[str, Any]:
    """Return what a finished training came to: digest of its last state, scores, curves; times left out."""
    from tutelage.training.checkpoint import checkpoints, load_checkpoint
    from tutelage.training.state import digest

    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return {
        "digest": digest(load_checkpoint(checkpoints(run)[-1])),
        "metrics": result["metrics"],
        "stopped": result["stopped"],
        "curves": [_without_times(line) for line in lines],
        "files": sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.parent.name != "steps"),
    }


def equal_training(run: Path, reference: Reference) -> bool:
    """Tell whether a training came to the same as the undisturbed one."""
    if any(path.is_fifo() for path in run.rglob("*")):
        # Whoever reads a pipe waits for its writer.
        return False
    try:
        return final(run) == reference.final
    except Exception:
        return False


def ask(folder: Path, item: str) -> tuple[Answers, list[Outcome]]:
    """Ask the run in a folder for its scores, for answers and for its line among runs."""
    evaluate = command(["evaluate", "run", "--json"], folder=folder)
    predict = command(["predict", "run", item, "--json"], folder=folder) if item else Outcome(0, "{}")
    runs = command(["runs", ".", "--json"], folder=folder)
    said = answer(runs)
    mine = [each for each in said.get("runs", []) if str(each.get("run", "")).endswith("run")] if isinstance(said, dict) else said
    return Answers(answer(evaluate), answer(predict), mine), [evaluate, predict, runs]


def _without_times(record: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs from run to run."""
    return {key: value for key, value in record.items() if key not in TIMES}
