"""When a training ends before its budget does: what is watched, which gain counts, how long it is waited for, and what then.

Where the budget is a number of steps or epochs, patience that has run out draws the end near: the learning rate falls to zero
within a cooldown. So what a falling rate gains is kept, and waiting may be short. A time budget was given to be used: there a
training stops only after long waiting, and at once.

Source of the cooldown: "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", Haegele et al. 2024, arXiv
2405.18392, section 3: a fall over 10 to 20 % of the steps reaches what a fall from the beginning does.
Differs from the paper: the cooldown begins where the validation score stands still, from whatever rate there is.
"""

from typing import Any

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.core.spec import grant
from tutelage.defaults.base import Suggestion
from tutelage.optim.schedule.base import Schedule
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts
from tutelage.planning.recipe import Recipe
from tutelage.task.base import TaskSpec

__all__ = ["decide_stopping", "known_metrics"]

COOLDOWN = 0.15
"""Of the budget, in which the learning rate falls to zero."""
PATIENCE = 0.15
"""Of the budget, where a cooldown follows: half of what a training that stops at once needs, since little is lost by an error."""
END = 1 - 1e-6
"""The progress at which a schedule is asked whether it falls."""
LOW = 0.2
"""Factor on the learning rate at the end up to which a schedule is one that falls."""


def decide_stopping(recipe: Recipe, facts: Facts, spec: TaskSpec, auto: Suggestion, made: Decisions) -> dict[str, Any]:
    """Choose what early stopping watches, its patience, the least gain that counts, and the cooldown.

    Raises:
        RecipeError: A metric that is not for the task, or a patience out of its range.
    """
    wish = recipe.stopping
    usual, why = spec.watched(facts, auto=auto)
    watched = made.choose(
        "stopping.metric", wish.metric, usual if wish.metric == "auto" else wish.metric.removeprefix("val/"), why
    )
    _require_known(watched, spec)
    cooldown = _usual_cooldown(recipe, facts, auto) if wish.cooldown == "auto" else float(wish.cooldown)
    usual_patience = PATIENCE if cooldown and wish.cooldown == "auto" else auto.patience
    patience = usual_patience if wish.patience == "auto" else float(wish.patience)
    if not 0 < patience <= 1:
        raise RecipeError(
            f"recipe: stopping.patience = {patience} must be in (0, 1], a fraction of the budget. Typical: 0.1 to 0.5."
        )
    made.choose("stopping.patience", wish.patience, patience, "fraction of the budget without a better score")
    cooldown = cooldown if patience < 1 else 0.0
    is_noise = wish.min_delta == "auto" and cooldown > 0
    if cooldown:
        what = "fraction of the budget in which the rate falls to zero once patience has run out"
        counts = "; a gain below half the standard error of the score is none" if is_noise else ""
        made.choose("stopping.cooldown", wish.cooldown, cooldown, what + counts)
    return {
        "watched": watched,
        "patience": patience,
        "min_delta": 0.0 if wish.min_delta == "auto" else float(wish.min_delta),
        "min_gain": "noise" if is_noise else "any",
        "cooldown": cooldown,
    }


def known_metrics(spec: TaskSpec) -> tuple[str, ...]:
    """Return the metrics for the kind of answers that a task gives."""
    kinds = {kind: catalog.load("metric", kind) for kind in catalog.names("metric")}
    return tuple(kind for kind, metric in kinds.items() if spec.answers in (metric.answers, *metric.also_answers))


def _require_known(watched: str, spec: TaskSpec) -> None:
    """Refuse a metric that is not for the task."""
    known = known_metrics(spec)
    if watched not in known:
        near = catalog.suggest(watched, known)
        kind = getattr(spec, "kind", "")
        raise RecipeError(f"recipe: stopping.metric = {watched!r} is not for {kind}{near} Known: {', '.join(known)}.")


def _usual_cooldown(recipe: Recipe, facts: Facts, auto: Suggestion) -> float:
    """Return the cooldown of a training about which nobody says; 0 = it stops at once.

    A training that starts from what is known first learns its new part alone, and stands still for a while by design.
    """
    schedule = grant(recipe.schedule, auto.schedule)
    falls = isinstance(schedule, Schedule) and schedule.factor(END) <= LOW
    return COOLDOWN if falls and auto.patience < 1 and not recipe.budget.seconds and facts.known is None else 0.0
