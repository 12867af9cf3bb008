"""When a training ends before its budget does: what is watched, which gain counts, how long it is waited for, and what then.

Where the budget is a number of steps or epochs, patience that has run out draws the end near: the learning rate falls to zero
within a cooldown. So what a falling rate gains is kept, and waiting may be short. A time budget was given to be used: there a
training stops only after long waiting, and at once.

Source of the cooldown: "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", Haegele et al. 2024, arXiv
2405.18392, section 3: a fall over 10 to 20 % of the steps reaches what a fall from the beginning does.
Differs from the paper: the cooldown begins where the validation score stands still, from whatever rate there is.
"""

import math
from typing import Any

from tutelage.core import catalog
from tutelage.core.errors import RecipeError, RunError
from tutelage.core.spec import grant
from tutelage.defaults.base import Suggestion
from tutelage.metric.base import Metric
from tutelage.optim.schedule.base import Schedule
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.planning.until import Until, parse_until
from tutelage.task.base import TaskSpec

__all__ = ["decide_stopping", "known_metrics", "require_fitting", "require_measured"]

ASKED = "what `until` names is what is watched"
COOLDOWN = 0.15
"""Of the budget, in which the learning rate falls to zero."""
PATIENCE = 0.2
"""Of the budget, where a cooldown follows: less than a training that stops at once needs, since less is lost by an error. With
0.15 a usual training on digits ended too soon in one of three seeds; 0.25 takes a tenth more steps (docs/LOG.md)."""
END = 1 - 1e-6
"""The progress at which a schedule is asked whether it falls."""
LOW = 0.2
"""Factor on the learning rate at the end up to which a schedule is one that falls."""


def decide_stopping(recipe: Recipe, facts: Facts, spec: TaskSpec, auto: Suggestion, made: Decisions) -> dict[str, Any]:
    """Choose what is watched, the patience, the least gain that counts, the cooldown, and the score that is good enough.

    Raises:
        RecipeError: A metric that the task does not have, a score that it cannot reach, or a patience that is none.
    """
    wish, until = recipe.stopping, parse_until(recipe.until) if recipe.until else None
    watched = _watched(recipe, facts, spec, auto=auto, until=until, made=made)
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
    if until is not None:
        _require_possible(until, said=recipe.until)
        made.choose("until", recipe.until, _say(until))
    return {
        "watched": watched,
        "patience": patience,
        "min_delta": 0.0 if wish.min_delta == "auto" else float(wish.min_delta),
        "min_gain": "noise" if is_noise else "any",
        "cooldown": cooldown,
        "until": None if until is None else until.value,
    }


def known_metrics(spec: TaskSpec) -> tuple[str, ...]:
    """Return the metrics for the kind of answers that a task gives."""
    kinds = {kind: catalog.load("metric", kind) for kind in catalog.names("metric")}
    return tuple(kind for kind, metric in kinds.items() if metric.measures(spec.answers))


def require_measured(plan: Plan, *, where: str) -> None:
    """Refuse a plan whose metrics judge other answers than its task gives.

    Raises:
        RunError: The plan, in a file called `where`, has such a metric.
    """
    named = [("watched", plan.watched), ("headline", plan.headline), *(("metrics", metric.kind) for metric in plan.metrics)]
    for key, kind in named:
        if kind and not (metric := catalog.load("metric", kind)).measures(plan.task.answers):
            found = f"{kind!r} measures {metric.answers}, and {plan.task.kind!r} gives {plan.task.answers}"
            raise RunError(f"{where}: {key} = {kind!r}: {found}. Bring the old plan back, or train anew.")


def require_fitting(watched: str, measured: tuple[Metric, ...], facts: Facts) -> None:
    """Refuse to watch a metric that does not fit the data; where it is measured anyway, with the settings that it has there."""
    metric = next((metric for metric in measured if getattr(metric, "kind", "") == watched), None)
    refusal = (metric or catalog.load("metric", watched)()).refusal(len(facts.class_counts) or None)
    if refusal:
        raise RecipeError(f"recipe: stopping.metric = {watched!r}: {refusal}")


def _watched(recipe: Recipe, facts: Facts, spec: TaskSpec, *, auto: Suggestion, until: Until | None, made: Decisions) -> str:
    """Choose the metric that is watched."""
    wish = recipe.stopping
    if until is not None and wish.metric not in ("auto", until.metric, f"val/{until.metric}"):
        raise RecipeError(
            f"recipe: until = {recipe.until!r}, stopping.metric = {wish.metric!r}: the metric of `until` is the one that is "
            "watched. Leave stopping.metric out, or name the same one."
        )
    usual, why = spec.watched(facts, auto=auto) if until is None else (until.metric, ASKED)
    watched = str(
        made.choose("stopping.metric", wish.metric, usual if wish.metric == "auto" else wish.metric.removeprefix("val/"), why)
    )
    known = known_metrics(spec)
    if watched not in known:
        key, near = "stopping.metric" if until is None else "until", catalog.suggest(watched, known)
        kind = getattr(spec, "kind", "")
        raise RecipeError(f"recipe: {key} = {watched!r} is not for {kind}{near} Known: {', '.join(known)}.")
    return watched


def _require_possible(until: Until, *, said: str) -> None:
    """Refuse a share that is none: it would never be reached, or at once."""
    metric = catalog.load("metric", until.metric)
    if metric.form == "number" and said.strip().endswith("%"):
        raise RecipeError(
            f"recipe: until = {said}: {metric.title} is no share, so it has no percent. "
            f"Expected a value in its own unit, such as {until.metric}={until.value:g}."
        )
    # Some fractions, such as R2, may lie below 0.
    least = 0.0 if metric.form == "percent" or not metric.greater_is_better else -math.inf
    most = 1.0 if metric.greater_is_better else math.inf
    if metric.form == "number" or least < until.value <= most:
        return
    meant = f"{until.value / 100:g}" if 1 < until.value <= 100 else "0.95"
    raise RecipeError(
        f"recipe: until = {until.metric}={until.value:g}: {metric.title} is a share, between 0 and 1. "
        f"Expected such as {until.metric}={meant}."
    )


def _say(until: Until) -> str:
    """Say a target, such as `val/accuracy >= 0.95`."""
    greater = catalog.load("metric", until.metric).greater_is_better
    return f"val/{until.metric} {'>=' if greater else '<='} {until.value:g}"


def _usual_cooldown(recipe: Recipe, facts: Facts, auto: Suggestion) -> float:
    """Return the cooldown of a training about which nobody says; 0 = it stops at once.

    A training that starts from what is known first learns its new part alone, and stands still for a while by design.
    """
    schedule = grant(recipe.schedule, auto.schedule)
    falls = isinstance(schedule, Schedule) and schedule.factor(END) <= LOW
    return COOLDOWN if falls and auto.patience < 1 and not recipe.budget.seconds and facts.known is None else 0.0
