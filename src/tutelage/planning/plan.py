"""What was decided: every value of a training, each with its reason; saved as JSON, obeyed by a resumed run.

`resolve` is pure: the same recipe and the same facts give the same plan.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from tutelage.core import catalog, layout
from tutelage.core.errors import RunError, TutelageError
from tutelage.core.names import shorten
from tutelage.core.patience import PATIENCE_SECONDS
from tutelage.core.spec import Location, Pick, Spec
from tutelage.core.typed import first_mistake
from tutelage.planning.execution import Execution, MemoryFormat, Way, usual_format
from tutelage.planning.origin import OriginPlan
from tutelage.planning.teaching import Teaching

__all__ = ["Decision", "Plan", "SplitPlan", "plan_from"]

FORMAT = "plan-2"
REMEDY = "Bring the old plan back, or train anew."
Count = Annotated[int, Field(ge=0, le=2**53)]
Several = Annotated[int, Field(gt=0, le=2**53)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Decision(Spec):
    """One decided value and why."""

    key: str
    value: str
    reason: str


class SplitPlan(Spec):
    """Which rows were kept apart.

    Attributes:
        validation: Fraction of the rows that are not for the test; 0 = the source's own part.
        test: Fraction of all rows; 0 = the source's own part, or none.
        seed: What a random cut and the choice of groups follow.
        by: At random, by time, by groups that stay whole; or in the order of a text.
        column: The column with times or groups, or "".
        pattern: What finds them in names or cells, or "".
        gap: Rows left out before each later part, where it is by time.
    """

    validation: Fraction
    test: Fraction
    seed: Count
    by: Literal["random", "time", "group", "order"] = "random"
    column: str = ""
    pattern: str = ""
    gap: Count = 0


class Plan(Spec):
    """Everything that a training needs to know; nothing is left open but the steps of a time budget.

    Attributes:
        own_model: The class name of a module passed from Python, else "".
        own_structure: A hash of that module's parts, shapes, settings and code: classes of one name differ.
        total_steps: Optimizer steps; 0 where a time budget will set them after the probe.
        useful_steps: Steps beyond which a longer time budget does not help; 0 where there is no such limit.
        headline: The metric that names the result.
        time_seconds: The time budget; 0 where there is none.
        corrections: Planned changes of total_steps, to repeat a time budget's run.
        patience: Fraction of the planned steps without a better score, after which training stops, or its cooldown begins.
        min_delta: How much better a score must be to count.
        min_gain: Whether any better score counts, or only one above half the score's standard error.
        cooldown: Fraction of the planned steps in which the rate falls to zero once patience has run out; 0 stops at once.
        until: The score of the watched metric at which training stops, since it is good enough; None where none is.
        class_weights: A factor per class, or empty.
        calibrators: Kinds among which the calibrator is chosen when training has ended; empty = answers stay as they are.
        calibrator_asked: Whether the only kind is taken whatever the numbers say.
        calibration_rows: Validation rows that are kept from early stopping for it; 0 = all of them serve both.
        mirror: Whether answers are averaged with those of mirror images; auto = decided at the end by the validation rows.
        save_patience_seconds: How long a full disk is waited for.
        stall_seconds: Shortest time without a step after which it is told where training stands; 0 = never.
        shape: What the model receives, so that it can be built from the plan alone.
        num_outputs: How many numbers the model returns per row.
        prepare: The preprocessing's settings; None where nothing is preprocessed.
        split: Which fractions were kept apart.
        distill: Who teaches, and how; None where labels alone do.
        execution: How steps are computed, where that was said, or measured to be the fastest here; None = as is usual.
        device: Where to train, as wished: of several processes on `cuda`, each takes a card of its own.
        deterministic: Let a graphics card use only kernels that repeat their bits; a CPU always does.
        origin: What the training starts from; None where from nothing.
    """

    format: Literal["plan-2"] = "plan-2"
    source: Location
    modality: str
    task: Pick("task")  # type: ignore[valid-type]
    model: Pick("model") | None  # type: ignore[valid-type]
    own_model: str = ""
    own_structure: str = ""
    init: Pick("init") | None  # type: ignore[valid-type]
    augment: Pick("augment") | None  # type: ignore[valid-type]
    floor: Pick("floor") | None = None  # type: ignore[valid-type]
    optim: Pick("optim")  # type: ignore[valid-type]
    schedule: Pick("schedule")  # type: ignore[valid-type]
    clip: Amount
    batch_size: Several
    num_micro: Several
    class_weights: tuple[float, ...] = ()
    calibrators: tuple[str, ...] = ()
    calibrator_asked: bool = False
    calibration_rows: Count = 0
    mirror: Literal["auto", "on", "off"] = "off"
    metrics: tuple[Pick("metric"), ...]  # type: ignore[valid-type]
    watched: str
    headline: str = ""
    patience: Amount
    min_delta: Amount
    min_gain: Literal["any", "noise"] = "any"
    cooldown: Fraction = 0.0
    until: Annotated[float, Field(allow_inf_nan=False)] | None = None
    total_steps: Count = 0
    useful_steps: Count = 0
    time_seconds: Amount = 0.0
    corrections: tuple[tuple[Count, Count], ...] = ()
    save_seconds: Amount
    save_patience_seconds: Amount = PATIENCE_SECONDS
    stall_seconds: Amount = 60.0
    shape: Pick("shape") | None = None  # type: ignore[valid-type]
    num_outputs: Count = 0
    prepare: Pick("prepare") | None = None  # type: ignore[valid-type]
    split: SplitPlan | None = None
    distill: Teaching | None = None
    num_train: Count
    num_validation: Count
    num_test: Count
    precision: Literal["float32", "bfloat16"]
    compile: Literal["none", "inductor"]
    execution: Execution | None = None
    device: str
    deterministic: bool = False
    seed: Count
    origin: OriginPlan | None = None
    decisions: tuple[Decision, ...] = Field(default=())

    @field_validator("watched", "headline")
    @classmethod
    def _is_metric(cls, name: str, info: ValidationInfo) -> str:
        is_named = bool(name) or info.field_name == "watched"
        if is_named and name not in catalog.names("metric"):
            raise ValueError(f"{name!r} is no metric{catalog.suggest(name, catalog.names('metric'))}")
        return name

    @field_validator("calibrators")
    @classmethod
    def _are_calibrators(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in catalog.names("calibrator"):
                raise ValueError(f"{name!r} is no calibrator{catalog.suggest(name, catalog.names('calibrator'))}")
        return names

    @property
    def way(self) -> Way:
        """How its steps are computed."""
        return Way(
            precision=self.precision,
            memory_format=self.memory_format,
            compile=self.compile,
            num_threads=self.num_threads,
            num_micro=self.num_micro,
        )

    @property
    def memory_format(self) -> MemoryFormat:
        """How weights of convolutions lie in memory."""
        return usual_format(self.shape) if self.execution is None else self.execution.memory_format

    @property
    def num_threads(self) -> int:
        """Threads that torch computes with on a CPU; 0 = as many as it has."""
        return 0 if self.execution is None else self.execution.num_threads

    def to_record(self) -> dict[str, Any]:
        """Return JSON values."""
        return self.model_dump(mode="json")


def plan_from(record: Mapping[str, Any], *, where: str = layout.PLAN) -> Plan:
    """Return the plan that `Plan.to_record` wrote.

    Args:
        record: Its JSON values.
        where: The file that they come from, for messages.

    Raises:
        RunError: They are of another version, or not of the right types and ranges.
    """
    if record.get("format") != FORMAT:
        found = record.get("format", record.get("version"))
        raise RunError(f"{where}: is of format {shorten(found)}; this version reads {FORMAT!r}. Use the version that wrote it.")
    try:
        return Plan.model_validate(dict(record))
    except ValidationError as error:
        raise RunError(f"{where}: {first_mistake(error)}. {REMEDY}") from error
    except (TutelageError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        # A border: components check their settings in ways of their own.
        raise RunError(f"{where}: {str(error)[:300]}. {REMEDY}") from error
