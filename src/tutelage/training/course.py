"""The frequencies of a training - how often to evaluate, to log, how long to be patient - from its number of steps alone."""

from dataclasses import dataclass

from tutelage.core.stopping import Stopping
from tutelage.planning.plan import Plan

__all__ = ["Course", "course", "log_frequency"]


@dataclass(frozen=True, slots=True)
class Course:
    """Frequencies that follow from the number of steps; a pure function of it, so `--steps N` repeats a time budget's run.

    Attributes:
        eval_every: Steps between evaluations.
        log_every: Steps between log lines.
        stopping: What early stopping does, in steps.
    """

    eval_every: int
    log_every: int
    stopping: Stopping


MAX_EVALUATIONS, MIN_EVALUATIONS = 50, 5
EVALUATION_FRACTION = 0.06
"""Evaluations may cost about this fraction of training."""
FORWARD_FRACTION = 1 / 3
"""A forward pass costs about a third of a training step on the same rows: the backward pass is about twice the forward."""
LOG_LINES, MOST_LOG_LINES = 100, 10_000
"""Log lines of a short training, and of a very long one."""
LOG_EVERY = 20
"""Steps between two log lines that are never too many: ten hours of training are then not told in a hundred points."""
LEAST_PATIENCE = 3
"""Evaluations without a better score that are always waited for: one alone is noise."""
LEAST_STEPS = 50
"""Steps that are always waited for before a cooldown: in fewer, little has been learned that could stand still."""


def course(plan: Plan, total_steps: int, *, greater_is_better: bool) -> Course:
    """Return the frequencies of a training of `total_steps` steps."""
    trained_rows = total_steps * plan.batch_size
    affordable = EVALUATION_FRACTION * trained_rows / (max(plan.num_validation, 1) * FORWARD_FRACTION)
    # Where whole episodes are played, evaluations cost much, and no number of rows tells.
    most = int(getattr(plan.task, "most_evaluations", MAX_EVALUATIONS))
    num_evaluations = int(min(max(affordable, MIN_EVALUATIONS), most, total_steps))
    eval_every = max(1, -(-total_steps // max(num_evaluations, 1)))
    stopping = Stopping(
        metric=f"val/{plan.watched}",
        greater_is_better=greater_is_better,
        patience=_patience(plan, total_steps, eval_every=eval_every),
        min_delta=plan.min_delta,
        noise_rows=max(plan.num_validation - plan.calibration_rows, 1) if plan.min_gain == "noise" else 0,
        cooldown=round(plan.cooldown * total_steps),
        until=plan.until,
    )
    return Course(eval_every, log_frequency(total_steps), stopping)


def _patience(plan: Plan, total_steps: int, *, eval_every: int) -> int:
    """Return the steps without a better score after which training stops, or its cooldown begins; 0 = never."""
    if plan.patience >= 1:
        return 0
    least = LEAST_STEPS if plan.cooldown else 0
    return max(LEAST_PATIENCE * eval_every, round(plan.patience * total_steps), least)


def log_frequency(total_steps: int) -> int:
    """Return the steps between two log lines; no clock may decide it, since sums between them are part of the state."""
    return max(1, min(total_steps // LOG_LINES, max(LOG_EVERY, total_steps // MOST_LOG_LINES)))
