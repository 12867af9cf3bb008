"""How many steps a training makes; of a time budget as many as fit: a few are timed, then everything is put back as it was."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tutelage.core.emitter import Emitter
from tutelage.core.events import Corrected, Warned
from tutelage.planning.plan import Plan
from tutelage.run.compose import Composed
from tutelage.run.timed import Timed, fill, period_of, step_seconds
from tutelage.task.base import Evaluator
from tutelage.training.course import course

__all__ = ["PER_ROW", "REPORT_SECONDS", "begin", "ending_seconds", "reserve_seconds", "too_short"]

WARM_UP_STEPS, TIMED_STEPS = 5, 20
PROBE_FRACTION = 0.03
"""Share of the budget that the probe may take, once the warm-up steps are done."""
WITH_WARM_UP = 2.0
"""Times that share which warm-up steps may take too, the first one left out: else the probe ends among them."""
PERIODS, TOGETHER = 2, 5
"""Periods of acting and learning that are timed; steps that a card may have before it is waited for."""
SAFETY = 0.97
"""Share of the remaining time that is planned for: the rest absorbs noise, so that corrections stay rare."""
LEAST_FACTOR = 3
"""Times that what is no training takes, which a budget should have at least."""
REPORT_SECONDS = 1.5
"""Time for intervals, files and the report at the end of a run: what is kept free for them."""
SCORING_SECONDS = 0.3
"""What intervals and files take in the middle: 0.15 to 0.55 s in the log of runs of more than a second on one machine."""

FEW_ROWS = 100
"""Validation rows below which an evaluation is mostly what comes once; the test part may have thousands."""
MORE_FRACTION = 0.1
"""Share of the budget that timing train rows too may take at most, for that."""
LEAST_SHARE = 0.1
"""Of the mean price of a row, what it takes at least beside what comes once."""

PER_ROW = "evaluation_seconds_per_row"
"""Where a state keeps what a row takes to evaluate."""


@dataclass(frozen=True, slots=True)
class _Probed:
    """What a probe of real steps has found.

    Attributes:
        steps: Steps that a time budget allows.
        seconds_per_row: Of an evaluation.
        timed: Seconds of the steps once warm, and of an evaluation.
    """

    steps: int
    seconds_per_row: float
    timed: Timed


def begin(plan: Plan, composed: Composed, emitter: Emitter, *, greater_is_better: bool) -> Timed | None:
    """Set the number of steps of a training that begins; of a time budget as many as fit into it.

    Returns:
        What was timed for that; None where nothing was.
    """
    state, timed, per_row = composed.state, None, 0.0
    if plan.time_seconds:
        probed = _probe(plan, composed, emitter, greater_is_better=greater_is_better)
        timed = probed.timed
        # Each process has a clock of its own: the first one's counts.
        steps, per_row = state.mesh.agree([probed.steps, probed.seconds_per_row])
        total = int(steps)
        reason = f"a probe of real steps says that {total:,} steps fit into the time"
        if 0 < plan.useful_steps < total:
            total = plan.useful_steps
            reason += f"; {total:,} are as many as help with so few rows"
        if total <= 1:
            emitter.emit(Warned(message=too_short(plan, composed, per_row, passed=emitter.seconds)))
        state.control = type(state.control)(total)
        emitter.emit(Corrected(step=0, total_steps=total, reason=reason))
    state.control = state.control.begun()
    state.outside[PER_ROW] = per_row
    return timed


def _probe(plan: Plan, composed: Composed, emitter: Emitter, *, greater_is_better: bool) -> _Probed:
    """Return the steps that a time budget allows; training is left untouched."""
    state = composed.state
    fill(state.stream)
    snapshot = state.snapshot()
    timed = _time_steps(plan, composed, period_of(composed))
    evaluation = _time_evaluation(composed)
    per_step, per_row = sum(timed.times) / len(timed.times), _seconds_per_row(plan, composed, evaluation)
    state.task.train()
    state.restore(snapshot)
    free = (plan.time_seconds - emitter.seconds - reserve_seconds(composed, per_row)) * SAFETY
    steps = max(1, int(free / per_step))
    # Evaluations take their share; how many there are depends on the steps, so a second look is enough.
    eval_every = course(plan, steps, greater_is_better=greater_is_better).eval_every
    steps = max(1, int(free / (per_step + evaluation / eval_every)))
    return _Probed(steps, per_row, replace(timed, evaluation=evaluation))


def _seconds_per_row(plan: Plan, composed: Composed, evaluation: float) -> float:
    """Return what a row takes to evaluate: of few rows, what an evaluation takes however many there are is no row's price.

    Args:
        plan: The run's.
        composed: The training.
        evaluation: Seconds that one of the validation part took.
    """
    rows, train = len(composed.problem.validation), composed.problem.train
    measured = evaluation / max(rows, 1)
    # Of several processes each has a clock of its own, and would decide by it.
    if rows >= FEW_ROWS or train is None or plan.task.plays or composed.state.mesh.world > 1:
        return measured
    more = train()
    if len(more) < 2 * rows or len(more) * measured > MORE_FRACTION * plan.time_seconds:
        return measured
    longer = _time_evaluation(composed, more)
    each = longer / len(more)
    # Where both take about the same, little is known but that a row takes far less.
    return min(measured, each, max((longer - evaluation) / (len(more) - rows), LEAST_SHARE * each))


def reserve_seconds(composed: Composed, per_row: float) -> float:
    """Return what has to be left at the end: the last evaluation, the test part, what is decided then, and the report."""
    # The validation part is measured twice: at the last step, and with the best weights.
    rows = 2 * len(composed.problem.validation) + _test_rows(composed)
    return rows * per_row + REPORT_SECONDS + _deciding_seconds(composed, per_row)


def ending_seconds(composed: Composed, per_row: float) -> float:
    """Return what is expected of the end, without the report: less than what a budget had better reserve for it."""
    # The evaluation of the last step is one of those made while training.
    rows = len(composed.problem.validation) + _test_rows(composed)
    return rows * per_row + SCORING_SECONDS + _deciding_seconds(composed, per_row)


def _test_rows(composed: Composed) -> int:
    """Return the rows of the test part."""
    return len(composed.problem.test) if composed.problem.test else 0


def _deciding_seconds(composed: Composed, per_row: float) -> float:
    """Return what is needed to decide what leaves, beyond measuring it."""
    beside, mirroring = composed.problem.beside, composed.problem.mirroring
    decided = composed.problem.reserve(per_row) + (0.0 if beside is None else beside.reserve_seconds)
    return decided + (0.0 if mirroring is None else mirroring.reserve_seconds(per_row))


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


def _time_evaluation(composed: Composed, evaluator: Evaluator | None = None) -> float:
    """Return the seconds of an evaluation, of the validation part where none is named; what is done once before it left out."""
    evaluator = evaluator or composed.problem.validation
    evaluator.ready()
    began = time.monotonic()
    evaluator(composed.state.task)
    return time.monotonic() - began


def _time_steps(plan: Plan, composed: Composed, period: int) -> Timed:
    """Return the time of each step, without the first ones, which build kernels; whole periods where there is time for one.

    After two steps, no more are made than the probe may take: of long steps the first ones have to do.
    """
    mesh, limit, times = composed.state.mesh, PROBE_FRACTION * plan.time_seconds, list[float]()
    most = WARM_UP_STEPS + (max(PERIODS, math.ceil(TIMED_STEPS / period)) * period if period else TIMED_STEPS)
    for seconds in step_seconds(composed, waits=lambda count: count <= WARM_UP_STEPS or count % TOGETHER == 0 or count == most):
        times.append(seconds)
        if len(times) == most:
            break
        # Each process has a clock of its own, and every step waits for all of them: the first one's counts.
        is_late = sum(times[WARM_UP_STEPS:]) > limit or sum(times[1:]) > WITH_WARM_UP * limit
        if len(times) > 1 and mesh.agree(is_late):
            break
    return _warm(times, period)


def _warm(times: Sequence[float], period: int) -> Timed:
    """Return the times of steps once warm: of whole periods, wherever in one they begin, as many as there are."""
    warm = times[WARM_UP_STEPS:]
    if period and len(warm) >= period:
        return Timed(tuple(warm[: len(warm) // period * period]), period=period)
    return Timed(tuple(warm or times[1:] or times))
