"""What equal trainings have taken on this machine: written at the end of each, read by the next one."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tutelage.core.cache_folder import cache_folder
from tutelage.core.names import MAX_SHOWN
from tutelage.foresight.history import History
from tutelage.foresight.pace import Pace
from tutelage.foresight.run_time import Measured
from tutelage.planning.plan import Plan
from tutelage.training.machine import bits_depend_on

__all__ = ["known_run", "known_runs", "plan_key", "remember"]

AMOUNTS = (
    "decisions", "seed", "source", "total_steps", "time_seconds", "useful_steps", "corrections", "patience", "min_delta",
    "until",
)  # fmt: skip
"""Keys of a plan on which the time of a step does not depend."""
MOST_RUNS = 8
"""Trainings that are asked, the newest: those long ago were of another program."""
MOST_KNOWN, LEAST_SECONDS = 1e8, 1e-6
"""What is remembered lies below, in seconds or steps: three years; and a step that takes less is none."""
MOST_PARTS = 60
"""Of a run that are timed by themselves."""
MOST_SPREAD = 1.0
"""Relative standard deviation of a remembered pace at most: a third, or three times as much."""
MOST_FLOPS = 1e24
"""Operations of a step lie below."""


def plan_key(plan: Plan) -> str:
    """Return what trainings have in common whose steps take the same time: plan and machine."""
    if plan.execution is not None:
        # Figures of trying differ each time.
        plan = plan.but(execution=plan.execution.chosen)
    record = {key: value for key, value in plan.to_record().items() if key not in AMOUNTS}
    text = json.dumps([record, bits_depend_on(plan.device)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def remember(plan: Plan, measured: Measured, history: History | None = None) -> None:
    """Keep what was measured of a training, for the next one that is equal."""
    kept = {
        "once": dict(measured.once),
        "pace": measured.pace.record(),
        "opening": None if measured.opening is None else measured.opening.record(),
        "first_evaluation": measured.first_evaluation,
        "evaluation": measured.evaluation,
        "evaluation_spread": measured.evaluation_spread,
        "checkpoint": measured.checkpoint,
        "step_flops": measured.step_flops,
    }
    (history or History(cache_folder())).add({"key": plan_key(plan), "measured": kept})


def known_runs(plan: Plan, history: History) -> list[Measured]:
    """Return what was remembered of equal trainings, the newest first."""
    found = (known_run(record) for record in history.all_known(plan_key(plan), most=MOST_RUNS))
    return [measured for measured in found if measured is not None and measured.pace.seconds > 0]


def known_run(record: Mapping[str, Any]) -> Measured | None:
    """Return what was remembered of one training; None where it cannot be read."""
    try:
        opening = None if record["opening"] is None else _pace_of(record["opening"])
        pace = _pace_of(record["pace"])
        numbers = {key: float(record[key]) for key in ("first_evaluation", "evaluation", "evaluation_spread", "checkpoint")}
        once = {str(name): float(seconds) for name, seconds in record["once"].items()}
        flops = float(record.get("step_flops", 0.0))
        flops = flops if 0 <= flops < MOST_FLOPS else 0.0
        if not all(0 <= value < MOST_KNOWN for value in (*numbers.values(), *once.values())):
            return None
        if len(once) > MOST_PARTS or not all(name.isprintable() and len(name) <= MAX_SHOWN for name in once):
            # They are told, and written into the result.
            return None
        return Measured(once=once, pace=pace, opening=opening, how="known", step_flops=flops, **numbers)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        return None


def _pace_of(record: Mapping[str, Any]) -> Pace:
    """Return a remembered pace.

    Raises:
        TypeError, ValueError: It is none.
    """
    found = Pace(**record)
    values: tuple[Any, ...] = (found.seconds, found.warm_up_seconds, found.spread, abs(found.drift), found.num_steps)
    if not all(isinstance(value, int | float) and 0 <= value < MOST_KNOWN for value in values):
        raise ValueError(f"no pace: {values}")
    if 0 < found.seconds < LEAST_SECONDS:
        raise ValueError(f"no machine makes a step in {found.seconds} s")
    # One of the steps may have built kernels: of two that is half of all, of a hundred next to nothing.
    return replace(found, spread=min(max(found.spread, 1 / max(found.num_steps, 1)), MOST_SPREAD))
