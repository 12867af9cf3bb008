"""Which calibrators a training chooses among when it has ended, and which rows it fits them to; decided from facts."""

from typing import Any

from tutelage.calibrate.choose import FEW_ROWS
from tutelage.calibrate.choose import LEAST_ROWS as FEWEST
from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts
from tutelage.planning.recipe import Recipe
from tutelage.task.base import TaskSpec

__all__ = ["decide_calibration", "suited_calibrators"]

LEAST_APART = 2_000
"""Validation rows from which on some are kept from early stopping: with fewer, its choice would suffer more than is won."""
LEAST_ROWS, MOST_ROWS = 1_000, 10_000
SHARE = 2
"""One of so many validation rows is kept apart."""


def decide_calibration(recipe: Recipe, facts: Facts, task: TaskSpec, made: Decisions) -> dict[str, Any]:
    """Choose the candidates and the rows; nothing for tasks whose answers no calibrator changes.

    Raises:
        RecipeError: A calibrator is asked for that changes other answers.
    """
    if "calibrate" not in task.uses:
        return {}
    wish, classes = recipe.calibrate, len(facts.class_counts)
    if wish == "none":
        made.choose("calibrate", wish, "none")
        return {}
    rows = _kept_apart(facts)
    count = rows or facts.num_validation
    kinds = (
        _asked(wish, task)
        if wish != "auto"
        else suited_calibrators(task, num_rows=count, num_classes=classes, keeps_decisions=recipe.class_weights == "balanced")
    )
    where = f"{rows:,} validation rows that did not choose the weights"
    if not rows:
        where = f"the {count:,} validation rows, too few to keep some from early stopping, which watches them"
    if not kinds:
        made.choose("calibrate", wish, "intervals", f"the errors of {where}, for predict --coverage")
        return {"calibration_rows": rows}
    if wish == "auto" and count < FEWEST:
        made.choose("calibrate", wish, "none", f"{count:,} validation rows are too few to judge by")
        return {}
    sure = "by two standard errors" if count >= FEW_ROWS else "(a temperature at all, others by two standard errors)"
    choice = f"the smallest cross-validated log loss, none where nothing is better {sure}, and no fewer rows right"
    made.choose("calibrate", wish, " or ".join(("none", *kinds) if wish == "auto" else kinds), f"{choice}; on {where}")
    return {"calibrators": kinds, "calibrator_asked": wish != "auto", "calibration_rows": rows}


def _kept_apart(facts: Facts) -> int:
    """Return how many validation rows early stopping does not see."""
    if facts.num_validation < LEAST_APART:
        return 0
    return min(MOST_ROWS, max(LEAST_ROWS, facts.num_validation // SHARE))


def _asked(wish: str, task: TaskSpec) -> tuple[str, ...]:
    """Return the calibrator that is asked for.

    Raises:
        RecipeError: It changes other answers than the task gives.
    """
    answers = catalog.load("calibrator", wish).answers
    if answers != task.answers:
        kind = getattr(task, "kind", "")
        raise RecipeError(
            f"recipe: calibrate = {wish!r} changes {answers}, and task {kind!r} gives {task.answers}. Leave it out."
        )
    return (wish,)


def suited_calibrators(task: TaskSpec, *, num_rows: int, num_classes: int, keeps_decisions: bool) -> tuple[str, ...]:
    """Return the candidates for so many held-out rows, from the simplest on.

    Args:
        task: Says what it answers with.
        num_rows: Held-out rows.
        num_classes: Classes; 0 where there are none.
        keeps_decisions: Whether the most probable class must stay: where rare classes were made to count more on purpose.
    """
    kinds = {kind: catalog.load("calibrator", kind) for kind in catalog.names("calibrator")}
    fitting = {
        kind: calibrator
        for kind, calibrator in kinds.items()
        if calibrator.answers == task.answers and calibrator.suits(num_rows=num_rows, num_classes=num_classes)
    }
    if keeps_decisions:
        # What was learned on purpose, to believe rare classes sooner, must not be taken back.
        fitting = {kind: calibrator for kind, calibrator in fitting.items() if calibrator.keeps_decisions}
    return tuple(sorted(fitting, key=lambda kind: fitting[kind].freedom))
