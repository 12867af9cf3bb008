"""What is still to come of a run, as its forecast tells it."""

from collections.abc import Mapping
from typing import Any

from tutelage.foresight.told import told_before
from tutelage.planning.plan import Plan
from tutelage.training.time_left import Expected

__all__ = ["expected_of"]

BEFORE_THE_END = ("before", "warm-up", "steps", "evaluations", "checkpoints")
"""Parts of a forecast that are over when the last step is done."""


def expected_of(outside: Mapping[str, Any], plan: Plan) -> Expected:
    """Return what is expected of the parts of a run that are still to come."""
    told = told_before(outside)
    if told is None:
        return Expected(budget_seconds=plan.time_seconds)
    ending = sum(seconds for name, seconds in told.parts.items() if name not in BEFORE_THE_END)
    return Expected(told.step_seconds, told.evaluation_seconds, ending, plan.time_seconds)
