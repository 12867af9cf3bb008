"""How many steps fit into a time budget: a few real steps are timed, then everything is put back as it was."""

import math
import time

import torch

from tutelage.core.emitter import Emitter
from tutelage.planning.plan import Plan
from tutelage.run.compose import Composed
from tutelage.training.course import course

__all__ = ["REPORT_SECONDS", "plan_steps", "reserve_seconds", "too_short"]

WARM_UP_STEPS, TIMED_STEPS = 5, 20
PROBE_FRACTION = 0.03
"""Share of the budget that the probe may take, once the warm-up steps are done."""
SAFETY = 0.97
"""Share of the remaining time that is planned for: the rest absorbs noise, so that corrections stay rare."""
LEAST_FACTOR = 3
"""Times that what is no training takes, which a budget should have at least."""
REPORT_SECONDS = 1.5
"""Time for intervals, files and the report at the end of a run."""


def plan_steps(plan: Plan, composed: Composed, emitter: Emitter, *, greater_is_better: bool) -> tuple[int, float]:
    """Return the steps that a time budget allows, and the measured seconds per step; training is left untouched."""
    state = composed.state
    snapshot = state.snapshot()
    per_step = _time_steps(plan, composed)
    per_row = _time_row(composed)
    state.task.train()
    state.restore(snapshot)
    free = (plan.time_seconds - emitter.seconds - reserve_seconds(composed, per_row)) * SAFETY
    steps = max(1, int(free / per_step))
    # Evaluations take their share; how many there are depends on the steps, so a second look is enough.
    eval_every = course(plan, steps, greater_is_better=greater_is_better).eval_every
    steps = max(1, int(free / (per_step + per_row * len(composed.problem.validation) / eval_every)))
    return steps, per_row


def reserve_seconds(composed: Composed, per_row: float) -> float:
    """Return what has to be left at the end: the last evaluation, the test part, what is decided then, and the report."""
    # The validation part is measured twice: at the last step, and with the best weights.
    rows = 2 * len(composed.problem.validation) + (len(composed.problem.test) if composed.problem.test else 0)
    beside = composed.problem.beside
    decided = composed.problem.reserve(per_row) + (0.0 if beside is None else beside.reserve_seconds)
    mirroring = composed.problem.mirroring
    decided += 0.0 if mirroring is None else mirroring.reserve_seconds(per_row)
    return rows * per_row + REPORT_SECONDS + decided


def too_short(plan: Plan, composed: Composed, per_row: float, *, passed: float) -> str:
    """Say that the time is too short, and what is needed here.

    Args:
        plan: The run's.
        composed: The training.
        per_row: Seconds that a row takes to evaluate.
        passed: Seconds since the run began: for reading, preparing and the probe.
    """
    least = math.ceil((passed + reserve_seconds(composed, per_row)) / SAFETY)
    found = f"{plan.time_seconds:g} s are too short: reading, evaluating and reporting alone take about {least:,} s here"
    return f"{found}. One step is made, and the time is overrun. Give several times as much: --time {LEAST_FACTOR * least}s."


def _time_row(composed: Composed) -> float:
    """Return the seconds that a row takes in an evaluation, what is done once before the first one left out."""
    validation = composed.problem.validation
    validation.ready()
    began = time.monotonic()
    validation(composed.state.task)
    return (time.monotonic() - began) / max(len(validation), 1)


def _time_steps(plan: Plan, composed: Composed) -> float:
    """Return the mean time of a step, without the first ones, which build kernels."""
    state = composed.state
    state.task.train()
    count, limit, began = 0, PROBE_FRACTION * plan.time_seconds, 0.0
    while count < WARM_UP_STEPS + TIMED_STEPS:
        if count == WARM_UP_STEPS:
            began = time.monotonic()
        batch = state.stream.next()
        if state.task.draws:
            batch = state.task.draw(batch, torch.Generator())
        state.step(state.task.usual_beat(count), batch, 0.0)
        count += 1
        # Each process has a clock of its own, and every step waits for all of them: the first one's counts.
        if count > WARM_UP_STEPS + 1 and state.mesh.agree(time.monotonic() - began > limit):
            break
    if torch.device(plan.device).type == "cuda":
        torch.cuda.synchronize()
    return (time.monotonic() - began) / (count - WARM_UP_STEPS)
