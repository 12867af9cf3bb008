"""What was decided: every value of a training, each with its reason; saved as JSON, obeyed by a resumed run.

`resolve` is pure: the same recipe and the same facts give the same plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from tutelage.core.spec import Pick, Spec
from tutelage.training.control import Stopping

__all__ = ["Course", "Decision", "Plan", "course"]


class Decision(Spec):
    """One decided value and why."""

    key: str
    value: str
    reason: str


class Plan(Spec):
    """Everything that a training needs to know; nothing is left open but the steps of a time budget.

    Attributes:
        own_model: The class name of a module passed from Python, else "".
        total_steps: Optimizer steps; 0 where a time budget will set them after the probe.
        useful_steps: Steps beyond which a longer time budget does not help; 0 where there is no such limit.
        time_seconds: The time budget; 0 where there is none.
        corrections: Planned changes of total_steps, to repeat a time budget's run.
        patience: Share of the planned steps without a better score, after which training stops.
        class_weights: A factor per class, or empty.
    """

    version: int = 1
    source: str
    modality: Literal["image", "table", "array"]
    task: Pick("task")  # type: ignore[valid-type]
    model: Pick("model") | None  # type: ignore[valid-type]
    own_model: str = ""
    init: Pick("init") | None  # type: ignore[valid-type]
    augment: Pick("augment") | None  # type: ignore[valid-type]
    optim: Pick("optim")  # type: ignore[valid-type]
    schedule: Pick("schedule")  # type: ignore[valid-type]
    clip: float
    batch_size: int
    num_micro: int
    class_weights: tuple[float, ...] = ()
    metrics: tuple[str, ...]
    watched: str
    patience: float
    min_delta: float
    total_steps: int = 0
    useful_steps: int = 0
    time_seconds: float = 0.0
    corrections: tuple[tuple[int, int], ...] = ()
    save_seconds: float
    num_train: int
    num_validation: int
    num_test: int
    precision: Literal["float32", "bfloat16"]
    compile: Literal["none", "inductor"]
    device: str
    seed: int
    decisions: tuple[Decision, ...] = Field(default=())

    def to_record(self) -> dict[str, Any]:
        """Return JSON values."""
        return self.model_dump(mode="json")


def plan_from(record: Mapping[str, Any]) -> Plan:
    """Return the plan that `Plan.to_record` wrote."""
    return Plan.model_validate(record)


@dataclass(frozen=True, slots=True)
class Course:
    """Rhythms that follow from the number of steps; a pure function of it, so `--steps N` repeats a time budget's run.

    Attributes:
        eval_every: Steps between evaluations.
        log_every: Steps between log lines.
        stopping: What early stopping does, in steps.
    """

    eval_every: int
    log_every: int
    stopping: Stopping


MAX_EVALUATIONS, MIN_EVALUATIONS = 50, 5
EVALUATION_SHARE = 0.06
"""Evaluations may cost about this share of training."""
FORWARD_SHARE = 1 / 3
"""A forward pass costs about a third of a training step on the same rows: the backward pass is about twice the forward."""
LOG_LINES = 100
LEAST_PATIENCE = 3
"""Evaluations without a better score that are always waited for: one alone is noise."""


def course(plan: Plan, total_steps: int, *, greater_is_better: bool) -> Course:
    """Return the rhythms of a training of `total_steps` steps."""
    trained_rows = total_steps * plan.batch_size
    affordable = EVALUATION_SHARE * trained_rows / (max(plan.num_validation, 1) * FORWARD_SHARE)
    num_evaluations = int(min(max(affordable, MIN_EVALUATIONS), MAX_EVALUATIONS, total_steps))
    eval_every = max(1, -(-total_steps // max(num_evaluations, 1)))
    stopping = Stopping(
        metric=f"val/{plan.watched}",
        greater_is_better=greater_is_better,
        patience=0 if plan.patience >= 1 else max(LEAST_PATIENCE * eval_every, round(plan.patience * total_steps)),
        min_delta=plan.min_delta,
    )
    return Course(eval_every, max(1, total_steps // LOG_LINES), stopping)
