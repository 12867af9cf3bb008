"""What was decided: every value of a training, each with its reason; saved as JSON, obeyed by a resumed run.

`resolve` is pure: the same recipe and the same facts give the same plan.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from tutelage.core.spec import Location, Pick, Spec

__all__ = ["Decision", "Plan", "SplitPlan", "plan_from"]


class Decision(Spec):
    """One decided value and why."""

    key: str
    value: str
    reason: str


class SplitPlan(Spec):
    """Which rows were kept apart: fractions of all rows for the test, of the rest for validation; 0 = the source's own part."""

    validation: float
    test: float
    seed: int


class Plan(Spec):
    """Everything that a training needs to know; nothing is left open but the steps of a time budget.

    Attributes:
        own_model: The class name of a module passed from Python, else "".
        total_steps: Optimizer steps; 0 where a time budget will set them after the probe.
        useful_steps: Steps beyond which a longer time budget does not help; 0 where there is no such limit.
        headline: The metric that names the result.
        time_seconds: The time budget; 0 where there is none.
        corrections: Planned changes of total_steps, to repeat a time budget's run.
        patience: Fraction of the planned steps without a better score, after which training stops.
        class_weights: A factor per class, or empty.
        shape: What the model receives, so that it can be built from the plan alone.
        num_outputs: How many numbers the model returns per row.
        prepare: The preprocessing's settings; None where nothing is preprocessed.
        split: Which fractions were kept apart.
        device: Where to train, as wished: of several processes on `cuda`, each takes a card of its own.
        deterministic: Let a graphics card use only kernels that repeat their bits; a CPU always does.
    """

    version: int = 1
    source: Location
    modality: str
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
    metrics: tuple[Pick("metric"), ...]  # type: ignore[valid-type]
    watched: str
    headline: str = ""
    patience: float
    min_delta: float
    total_steps: int = 0
    useful_steps: int = 0
    time_seconds: float = 0.0
    corrections: tuple[tuple[int, int], ...] = ()
    save_seconds: float
    shape: Pick("shape") | None = None  # type: ignore[valid-type]
    num_outputs: int = 0
    prepare: Pick("prepare") | None = None  # type: ignore[valid-type]
    split: SplitPlan | None = None
    num_train: int
    num_validation: int
    num_test: int
    precision: Literal["float32", "bfloat16"]
    compile: Literal["none", "inductor"]
    device: str
    deterministic: bool = False
    seed: int
    decisions: tuple[Decision, ...] = Field(default=())

    def to_record(self) -> dict[str, Any]:
        """Return JSON values."""
        return self.model_dump(mode="json")


def plan_from(record: Mapping[str, Any]) -> Plan:
    """Return the plan that `Plan.to_record` wrote."""
    return Plan.model_validate(record)
