"""What early stopping watches, how patient it is, and which score is good enough: from wishes to decisions."""

from typing import Any

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.defaults.base import Suggestion
from tutelage.metric.base import Metric
from tutelage.planning.decisions import Decisions
from tutelage.planning.facts import Facts
from tutelage.planning.recipe import Recipe
from tutelage.planning.until import Until, parse_until
from tutelage.task.base import TaskSpec

__all__ = ["decide_stopping", "known_metrics", "require_fitting"]

ASKED = "what `until` names is what is watched"


def decide_stopping(recipe: Recipe, facts: Facts, spec: TaskSpec, auto: Suggestion, made: Decisions) -> dict[str, Any]:
    """Return the keys of a plan that say when training stops before its budget is used up.

    Raises:
        RecipeError: A metric that the task does not have, a score that it cannot reach, or a patience that is none.
    """
    wish = recipe.stopping
    until = parse_until(recipe.until) if recipe.until else None
    if until is not None and wish.metric not in ("auto", until.metric, f"val/{until.metric}"):
        raise RecipeError(
            f"recipe: until = {recipe.until!r}, stopping.metric = {wish.metric!r}: the metric of `until` is the one that is "
            "watched. Leave stopping.metric out, or name the same one."
        )
    usual, why = spec.watched(facts, auto=auto) if until is None else (until.metric, ASKED)
    watched = made.choose(
        "stopping.metric", wish.metric, usual if wish.metric == "auto" else wish.metric.removeprefix("val/"), why
    )
    key = "stopping.metric" if until is None else "until"
    known = known_metrics(spec)
    if watched not in known:
        near = catalog.suggest(watched, known)
        kind = getattr(spec, "kind", "")
        raise RecipeError(f"recipe: {key} = {watched!r} is not for {kind}{near} Known: {', '.join(known)}.")
    if until is not None:
        _require_possible(until)
        made.choose("until", recipe.until, _say(until))
    return {
        "watched": watched,
        "patience": _patience(recipe, auto, made),
        "min_delta": wish.min_delta,
        "until": None if until is None else until.value,
    }


def known_metrics(spec: TaskSpec) -> tuple[str, ...]:
    """Return the metrics for the kind of answers that a task gives."""
    kinds = {kind: catalog.load("metric", kind) for kind in catalog.names("metric")}
    return tuple(kind for kind, metric in kinds.items() if spec.answers in (metric.answers, *metric.also_answers))


def require_fitting(watched: str, measured: tuple[Metric, ...], facts: Facts) -> None:
    """Refuse to watch a metric that does not fit the data; where it is measured anyway, with the settings that it has there."""
    metric = next((metric for metric in measured if getattr(metric, "kind", "") == watched), None)
    refusal = (metric or catalog.load("metric", watched)()).refusal(len(facts.class_counts) or None)
    if refusal:
        raise RecipeError(f"recipe: stopping.metric = {watched!r}: {refusal}")


def _patience(recipe: Recipe, auto: Suggestion, made: Decisions) -> float:
    """Choose how long to wait for a better score."""
    wish = recipe.stopping.patience
    fraction = auto.patience if wish == "auto" else float(wish)
    if not 0 < fraction <= 1:
        raise RecipeError(
            f"recipe: stopping.patience = {fraction} must be in (0, 1], a fraction of the budget. Typical: 0.2 to 0.5."
        )
    chosen: float = made.choose("stopping.patience", wish, fraction, "fraction of the budget without a better score")
    return chosen


def _require_possible(until: Until) -> None:
    """Refuse a share that is none: it would never be reached, or at once."""
    metric = catalog.load("metric", until.metric)
    if metric.form != "percent" or 0 < until.value <= (1 if metric.greater_is_better else float("inf")):
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
