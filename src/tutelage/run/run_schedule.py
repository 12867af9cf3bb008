"""How often a run does what: its plan and its number of steps say it; and when it ends that may stop early."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tutelage.core import catalog, layout
from tutelage.foresight.curve import Curve
from tutelage.foresight.endings import Endings, foresee_endings, usual_endings
from tutelage.foresight.run_time import Schedule, Stops
from tutelage.planning.plan import Plan
from tutelage.track.jsonl import read_records
from tutelage.training.control import Control
from tutelage.training.course import Course, course

__all__ = ["course_of", "endings_of", "points_of", "rhythm_of", "schedule_of", "stops_of"]

MOST_SHARES = 101
"""Quantiles that stand for how runs end."""
LARGEST = 1e100
"""Of a score that a curve is drawn through: squares of larger ones are beyond every number."""


def course_of(plan: Plan, total_steps: int) -> Course:
    """Return the frequencies of a run of so many steps."""
    return course(plan, total_steps, greater_is_better=bool(catalog.load("metric", plan.watched).greater_is_better))


def rhythm_of(plan: Plan, control: Control) -> Course:
    """Return the frequencies of a training under way: those of the steps planned at first, wherever its end was moved since."""
    rhythm = course_of(plan, control.initial_steps or control.total_steps)
    # Patience ran out once, and ends it at a step that is known; only a target may still come before.
    return replace(rhythm, stopping=rhythm.stopping.but(patience=0, cooldown=0)) if control.is_cooling else rhythm


def schedule_of(plan: Plan, total_steps: int, *, rhythm: Course | None = None, num_opening: int = 0, done: int = 0) -> Schedule:
    """Return how often a run does what, from `done` steps on; when it ends, as trainings with such a rule usually do.

    Args:
        plan: Everything decided.
        total_steps: At which it ends at the latest.
        rhythm: Its frequencies; None = those of a run that was planned to end there from the first.
        num_opening: Steps in which a part of the network learns alone.
        done: Steps that are made.
    """
    rhythm = rhythm or course_of(plan, total_steps)
    evaluations = -(-total_steps // rhythm.eval_every) - done // rhythm.eval_every
    usual = usual_endings(rhythm.stopping, total=total_steps, every=rhythm.eval_every)
    opening = max(num_opening - done, 0)
    return Schedule(total_steps - done, opening, evaluations, plan.save_seconds, stops_of(usual, done=done))


def endings_of(plan: Plan, points: Sequence[tuple[float, float]], *, total: int, rhythm: Course | None = None) -> Endings | None:
    """Return how a run may end, from the learning curve that it has so far.

    Args:
        plan: Everything decided.
        points: Steps and scores of the watched metric, rising.
        total: The most steps of the run.
        rhythm: Its frequencies; None = those of a run that was planned to end there from the first.

    Returns:
        None where it ends with its budget, or where the scores say nothing.
    """
    rhythm = rhythm or course_of(plan, total)
    scores = [(float(step), float(score)) for step, score in points if 0 < step <= total]
    if rhythm.stopping.is_fixed or not scores or not all(abs(score) <= LARGEST for _, score in scores):
        return None
    metric = catalog.load("metric", plan.watched)
    perfect = None if metric.form == "number" and metric.greater_is_better else float(metric.greater_is_better)
    curve = Curve(tuple(step for step, _ in scores), tuple(score for _, score in scores), perfect)
    return foresee_endings(curve, rhythm.stopping, total=total, every=rhythm.eval_every)


def points_of(plan: Plan, folder: Path, *, done: int) -> list[tuple[float, float]]:
    """Return steps and scores of the watched metric that a run folder holds, up to `done` steps; NaN where one is no number.

    Raises:
        RunError: The log cannot be read as the lines that a run writes.
        OSError: The disk refuses to read it.
    """
    name = f"val/{plan.watched}"
    lines = [line for line in read_records(folder / layout.METRICS) if name in line]
    found = {_number(line.get("step")): _number(line[name]) for line in lines}
    return sorted((step, score) for step, score in found.items() if 0 < step <= done)


def _number(value: object) -> float:
    """Return a number of a log; NaN where there is none: JSON has no other word for a score that is not finite than null."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def stops_of(endings: Endings | None, *, done: int = 0) -> Stops:
    """Return which share of the steps that are left after `done` is used."""
    if endings is None or endings.total <= done:
        return Stops()
    left = ((endings.quantiles(MOST_SHARES) - done) / (endings.total - done)).clip(0.0, 1.0)
    return Stops(float((endings.steps < endings.total).mean()), float(left.min()), tuple(float(share) for share in left))
