"""Whether training goes on: the best score so far, patience, the planned end; a pure reducer over evaluations."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from tutelage.core.errors import RecipeError, RunError
from tutelage.core.spec import Spec

__all__ = ["Control", "Stopping", "judge"]


Count = Annotated[int, Field(ge=0, le=2**53)]
Step = Annotated[int, Field(ge=-1, le=2**53)]


class Stopping(Spec):
    """When to stop early, with everything decided.

    Attributes:
        metric: The validation metric that is watched, such as `val/loss`.
        greater_is_better: Its direction.
        patience: Steps without a better score after which training stops; 0 never stops early.
        min_delta: How much better a score must be to count, in the metric's unit.
    """

    metric: str = "val/loss"
    greater_is_better: bool = False
    patience: int = Field(0, ge=0)
    min_delta: float = Field(0.0, ge=0)


@dataclass(frozen=True, slots=True)
class Control:
    """What decides how long training goes on.

    Attributes:
        total_steps: Steps planned; a time budget may correct it.
        best_score: Best value of the watched metric; None before the first evaluation.
        best_step: The step of the best score.
        patient_since: The step of the last score that was better by at least the smallest difference that counts.
        stop_reason: "" while training goes on, else why it stopped.
        corrections: (step, total_steps) of each correction.
        initial_steps: Steps planned at the start, from which the frequencies of logging and evaluating follow.
        last_evaluation: The step of the last evaluation; -1 before the first.
    """

    total_steps: Count
    initial_steps: Count = 0
    last_evaluation: Step = -1
    best_score: float | None = None
    best_step: Step = -1
    patient_since: Count = 0
    stop_reason: str = ""
    corrections: tuple[tuple[Count, Count], ...] = ()

    def begun(self) -> "Control":
        """Return the control at the start of training: what is planned now is what was planned at first."""
        return replace(self, initial_steps=self.total_steps)

    def corrected(self, step: int, total_steps: int) -> "Control":
        """Return the control with another planned end."""
        return replace(self, total_steps=total_steps, corrections=(*self.corrections, (step, total_steps)))

    def stopped(self, stop_reason: str) -> "Control":
        """Return the control with a reason to stop."""
        return replace(self, stop_reason=stop_reason)

    def state(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return asdict(self) | {"corrections": [list(pair) for pair in self.corrections]}


def control_from(state: Mapping[str, Any]) -> Control:
    """Return the control that `Control.state` wrote.

    Raises:
        RunError: A value is missing, of another type, or out of range.
    """
    unknown = sorted(set(state) - set(Control.__dataclass_fields__))
    if unknown:
        raise RunError(f"a control has no value {unknown[0]!r:.60}")
    try:
        return READER.validate_python(dict(state))
    except ValidationError as error:
        issue = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in issue["loc"])
        raise RunError(f"control.{key} = {issue['input']!r:.60}: {issue['msg']}") from error


READER = TypeAdapter(Control)


def judge(control: Control, metrics: Mapping[str, float], *, step: int, stopping: Stopping) -> tuple[Control, bool]:
    """Take an evaluation into account.

    Args:
        control: The control so far.
        metrics: What the evaluation gave.
        step: The step of the evaluation.
        stopping: What is watched and how patient to be.

    Returns:
        The new control, and whether this score is the best so far (a score that is not a number never is).

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
    if gain > stopping.min_delta:
        control = replace(control, patient_since=step)
    if stopping.patience and step - control.patient_since >= stopping.patience and not control.stop_reason:
        control = control.stopped("patience")
    return control, is_best


def _gain(score: float, best: float | None, *, greater_is_better: bool) -> float:
    """Return by how much a score is better than the best; infinite for the first, negative for one that is no number."""
    if score != score:
        return -1.0
    if best is None:
        return float("inf")
    return score - best if greater_is_better else best - score
