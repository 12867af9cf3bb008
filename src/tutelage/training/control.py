"""Whether training goes on: the best score so far, patience, the planned end; a pure reducer over evaluations."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from tutelage.core import catalog
from tutelage.core.errors import RecipeError, RunError
from tutelage.core.names import shorten
from tutelage.core.spec import Spec
from tutelage.core.typed import first_mistake

__all__ = ["Control", "Stopping", "judge"]

RATE = 0.5
"""What each rollback leaves of the learning rate."""
WORTH_WAITING = 0.5
"""Standard errors of the score below which a gain is not waited for: other rows would change it more than that.

No test of significance: on the same rows two evaluations differ by far less noise, measured 0.02 to 0.04 of these errors.
"""
RISING_STEPS, RISING_PARTS = 50, 20
"""Steps in which the rate rises after a rollback, at most this part of a short training: moments begin anew there."""


Count = Annotated[int, Field(ge=0, le=2**53)]
Step = Annotated[int, Field(ge=-1, le=2**53)]


class Stopping(Spec):
    """When to stop early, with everything decided.

    Attributes:
        metric: The validation metric that is watched, such as `val/loss`.
        greater_is_better: Its direction.
        patience: Steps without a better score after which training stops, or its cooldown begins; 0 never stops early.
        min_delta: How much better a score must be to count, in the metric's unit.
        noise_rows: Rows of the part that is watched, over which half the score's standard error is the least gain that counts;
            0 = any counts.
        cooldown: Steps in which the learning rate falls to zero once patience has run out; 0 stops at once.
    """

    metric: str = "val/loss"
    greater_is_better: bool = False
    patience: int = Field(0, ge=0)
    min_delta: float = Field(0.0, ge=0)
    noise_rows: int = Field(0, ge=0)
    cooldown: int = Field(0, ge=0)

    def least_gain(self, score: float) -> float:
        """Return by how much another score has to be better than this one to count."""
        if not self.noise_rows:
            return self.min_delta
        metric = catalog.load("metric", self.metric.rpartition("/")[2])
        return max(self.min_delta, WORTH_WAITING * float(metric.noise(score, num_rows=self.noise_rows)))


@dataclass(frozen=True, slots=True)
class Control:
    """What decides how long training goes on.

    Attributes:
        total_steps: Steps planned; a time budget may correct it.
        best_score: Best value of the watched metric; None before the first evaluation.
        best_step: The step of the best score.
        patient_since: The step of the last score that was better by at least the smallest difference that counts.
        patient_score: That score, which the next one has to beat by as much; None before the first.
        is_cooling: Whether patience has run out, and the end was drawn near.
        stop_reason: "" while training goes on, else why it stopped.
        corrections: (step, total_steps) of each correction.
        initial_steps: Steps planned at the start, from which the frequencies of logging and evaluating follow.
        last_evaluation: The step of the last evaluation; -1 before the first.
        good_step: The step of the last weights known to be good; 0 are those of the beginning.
        rollbacks: The steps after which good weights were put back.
        first_loss: The size of the loss before anything was learned; 0 where it is not known.
        far_lines: Log lines in a row that told a loss far above that.
    """

    total_steps: Count
    initial_steps: Count = 0
    last_evaluation: Step = -1
    best_score: float | None = None
    best_step: Step = -1
    patient_since: Count = 0
    patient_score: float | None = None
    is_cooling: bool = False
    stop_reason: str = ""
    corrections: tuple[tuple[Count, Count], ...] = ()
    good_step: Count = 0
    rollbacks: tuple[Count, ...] = ()
    first_loss: float = 0.0
    far_lines: Count = 0

    def rate(self, step: int) -> float:
        """Return the factor on the planned learning rate at a step: halved by each rollback, after which it rises anew."""
        if not self.rollbacks:
            return 1.0
        rising = max(1, min(RISING_STEPS, self.initial_steps // RISING_PARTS))
        return float(RATE ** len(self.rollbacks)) * min(1.0, (step - self.rollbacks[-1] + 1) / rising)

    def rolled_back(self, step: int) -> "Control":
        """Return the control after the good weights were put back; patience begins anew."""
        return replace(self, rollbacks=(*self.rollbacks, step), far_lines=0, patient_since=step)

    def at_good(self, step: int) -> "Control":
        """Return the control after the weights of a step were found to be good."""
        return replace(self, good_step=step)

    def measured_first(self, loss: float) -> "Control":
        """Return the control with the size of the loss before anything was learned."""
        return replace(self, first_loss=loss)

    def seen_far(self, *, is_far: bool) -> "Control":
        """Return the control after a log line whose loss is far above the first one, or is not."""
        return replace(self, far_lines=self.far_lines + 1 if is_far else 0)

    def begun(self) -> "Control":
        """Return the control at the start of training: what is planned now is what was planned at first."""
        return replace(self, initial_steps=self.total_steps)

    def corrected(self, step: int, total_steps: int) -> "Control":
        """Return the control with another planned end."""
        return replace(self, total_steps=total_steps, corrections=(*self.corrections, (step, total_steps)))

    def cooling(self, total_steps: int) -> "Control":
        """Return the control whose end was drawn near."""
        return replace(self, total_steps=total_steps, is_cooling=True)

    def ended(self) -> "Control":
        """Return the control at the planned end: one that was drawn near is early stopping."""
        return self.stopped("patience" if self.is_cooling else "budget")

    def stopped(self, stop_reason: str) -> "Control":
        """Return the control with a reason to stop."""
        return replace(self, stop_reason=stop_reason)

    def state(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return asdict(self) | {"corrections": [list(pair) for pair in self.corrections], "rollbacks": list(self.rollbacks)}


def control_from(state: Mapping[str, Any]) -> Control:
    """Return the control that `Control.state` wrote.

    Raises:
        RunError: A value is missing, of another type, or out of range.
    """
    unknown = sorted(set(state) - set(Control.__dataclass_fields__))
    if unknown:
        raise RunError(f"a control has no value {shorten(unknown[0])}")
    try:
        return READER.validate_python(dict(state))
    except ValidationError as error:
        raise RunError(first_mistake(error, within="control")) from error


READER = TypeAdapter(Control)


def judge(control: Control, metrics: Mapping[str, float], *, step: int, stopping: Stopping) -> tuple[Control, bool]:
    """Take an evaluation into account.

    Args:
        control: The control so far.
        metrics: What the evaluation gave.
        step: The step of the evaluation.
        stopping: What is watched and how patient to be.

    Returns:
        The new control, and whether this score is the best so far (a score that is not finite never is).

    Raises:
        RecipeError: The watched metric is not among `metrics`.
    """
    if stopping.metric not in metrics:
        raise RecipeError(f"stopping.metric = {stopping.metric!r} is not measured. Measured: {', '.join(metrics)}.")
    control = replace(control, last_evaluation=step)
    score = metrics[stopping.metric]
    gain = _gain(score, control.best_score, greater_is_better=stopping.greater_is_better)
    is_best = gain > 0
    if is_best or control.best_score is None:
        # While no score has been a number, none is better than another: the newest weights are the best there are.
        control = replace(control, best_score=score if is_best else None, best_step=step)
    # Against the last score that counted, not the best: many small gains are a large one.
    last = control.patient_score
    least = 0.0 if last is None else stopping.least_gain(last)
    if _gain(score, last, greater_is_better=stopping.greater_is_better) > least:
        control = replace(control, patient_since=step, patient_score=score)
    is_out = stopping.patience and step - control.patient_since >= stopping.patience
    if is_out and not control.stop_reason and not control.is_cooling:
        control = _tired(control, step=step, cooldown=stopping.cooldown)
    return control, is_best


def _tired(control: Control, *, step: int, cooldown: int) -> Control:
    """Return the control once patience has run out: stopped, or with an end that is near, where it is not anyway."""
    if not cooldown:
        return control.stopped("patience")
    return control.cooling(step + cooldown) if step + cooldown < control.total_steps else control


def _gain(score: float, best: float | None, *, greater_is_better: bool) -> float:
    """Return by how much a score is better than the best; infinite for the first, negative for one that is not finite."""
    if not math.isfinite(score):
        return -1.0
    if best is None:
        return float("inf")
    return score - best if greater_is_better else best - score
