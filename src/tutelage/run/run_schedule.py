"""How often a run does what: its plan and its number of steps say it."""

from tutelage.core import catalog
from tutelage.foresight.run_time import Schedule, Stops
from tutelage.planning.plan import Plan
from tutelage.training.course import course

__all__ = ["schedule_of"]

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
