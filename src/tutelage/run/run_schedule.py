"""How often a run does what: its plan and its number of steps say it."""

import math
from pathlib import Path

from tutelage.core import catalog, layout
from tutelage.foresight.convergence import LEAST_POINTS, foresee_stops
from tutelage.foresight.run_time import Schedule, Stops
from tutelage.planning.plan import Plan
from tutelage.track.jsonl import read_records
from tutelage.training.course import course

__all__ = ["schedule_of", "stops_of_curve"]

STOPPING_EARLY = 0.3
"""How often a training with patience stops before its budget is used up, as long as nothing is known of others like it."""


def schedule_of(plan: Plan, total_steps: int, *, num_opening: int = 0, done: int = 0) -> Schedule:
    """Return how often a run does what, from `done` steps on."""
    greater = bool(catalog.load("metric", plan.watched).greater_is_better)
    every = course(plan, total_steps, greater_is_better=greater).eval_every
    evaluations = -(-total_steps // every) - done // every
    stops = Stops(STOPPING_EARLY, plan.patience) if plan.patience < 1 else Stops()
    opening = max(num_opening - done, 0)
    return Schedule(total_steps - done, opening, evaluations, save_seconds=plan.save_seconds, stops=stops)


def stops_of_curve(plan: Plan, folder: Path, schedule: Schedule, *, done: int) -> Stops:
    """Return when a run will stop early, from the learning curve that it has so far.

    Args:
        plan: Everything decided.
        folder: The run folder.
        schedule: Of what is left.
        done: Steps that are done.
    """
    greater = bool(catalog.load("metric", plan.watched).greater_is_better)
    name = f"val/{plan.watched}"
    points = [line for line in read_records(folder / layout.METRICS) if name in line and 0 < float(line["step"]) <= done]
    total = done + schedule.steps
    stopping = course(plan, total, greater_is_better=greater).stopping
    if len(points) < LEAST_POINTS or not stopping.patience or not schedule.steps:
        return schedule.stops
    values = [float(line[name]) for line in points]
    if not all(map(math.isfinite, values)):
        return schedule.stops
    curve = [-value if greater else value for value in values]
    ends = foresee_stops([float(line["step"]) for line in points], curve, patience=stopping.patience, total=total)
    # Where patience runs out, a cooldown follows, as far as there is room for it.
    ends = (ends + stopping.cooldown * (ends < total)).clip(max=total)
    shares = ((ends - done) / schedule.steps).clip(0.0, 1.0)
    return Stops(float((shares < 1).mean()), float(shares.min()), tuple(float(share) for share in shares))
