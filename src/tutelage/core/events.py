"""What happens in a run, as frozen facts that sinks write down or show; nothing that watches can change training."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Protocol

__all__ = [
    "Corrected",
    "Decided",
    "Divided",
    "Evaluated",
    "Event",
    "Finished",
    "Forecast",
    "ForecastScored",
    "GradientByLag",
    "Logged",
    "Noted",
    "Refused",
    "Restored",
    "Resumed",
    "RolledBack",
    "Sampled",
    "Saved",
    "Sink",
    "Stalled",
    "Started",
    "Warned",
    "as_record",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; `seconds` is the wall time since the run began."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Event):
    """Training begins: what will be trained, on what, in which folder.

    Attributes:
        run: The run folder.
        source: The data's name.
        task: Kind of the task, such as `classify`.
        model: Kind of the model, or the class of an own module.
        num_parameters: Numbers that are learned.
        num_train: Units of the train part; so for the other parts, 0 where there is none.
        device: Where it is trained.
        unit: What the parts are counted in.
        noun: What the task is called in a sentence, such as `language model`; "" where it has no name.
        titles: What each metric is called, by its kind, such as `nats per character`.
        forms: How each metric is written, by its kind: `number`, `percent` or `fraction`.
    """

    run: str
    source: str
    task: str
    model: str
    num_parameters: int
    num_train: int
    num_validation: int
    num_test: int
    device: str
    unit: str = "rows"
    noun: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Event):
    """A choice of the plan, such as `optim`, its value and the reason."""

    key: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    """Something about the data or the run worth telling, that needs no action."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned(Event):
    """Something the user should know and may want to mend."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Warned):
    """Updates were not made, since a loss or a gradient was not finite.

    Attributes:
        step: The step at which it was seen.
        num_refused: Updates refused in the whole run so far.
    """

    step: int
    num_refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack(Warned):
    """Training diverged: the last good weights were put back, and it goes on at a smaller learning rate.

    Attributes:
        step: The step after which they were put back; steps go on from there.
        good_step: The step of these weights.
        rate: The factor on the planned learning rate from now on.
    """

    step: int
    good_step: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided(Warned):
    """A step did not fit into the memory: it was made, and the next ones are, in more micro-batches.

    Attributes:
        step: The step from which on it is so.
        num_micro: Parts that a batch is cut into from now on.
    """

    step: int
    num_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalled(Warned):
    """A step, a batch or an evaluation has not come for long.

    Attributes:
        step: Steps done.
        waited_seconds: How long it has not come.
        stacks: Where each thread of the process stands.
    """

    step: int
    waited_seconds: float
    stacks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(Event):
    """How long the whole run will take, told before or after its first few steps, and again where it may end before its budget.

    Attributes:
        expected_seconds: Wall time from the start of the command to its result.
        low_seconds: It is between this and the next in four of five runs.
        high_seconds: The upper end.
        how: `known` from equal runs, `contradicted` by the first steps, `timed` steps, or by the `curve` so far.
        parts: Seconds of each part.
        step: Steps done when it was told.
        early: Probability that nothing gets better before the budget is used up; None where the curve was not asked.
        never: Probability that the target is not reached; None where there is none, or the curve was not asked.
    """

    expected_seconds: float
    low_seconds: float
    high_seconds: float
    how: str
    parts: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    early: float | None = None
    never: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastScored(Event):
    """How long the run took, beside what was forecast when `step` steps were done."""

    expected_seconds: float
    low_seconds: float
    high_seconds: float
    actual_seconds: float
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged(Event):
    """Progress: the mean training loss since the last one.

    Attributes:
        step: Steps done.
        total_steps: Steps planned now.
        epoch: Epochs done; 0 where the data are endless.
        metrics: Such as `train/loss`, `train/critic/loss`, `train/return`, `lr`, `critic/lr`.
        steps_per_second: Speed since the last one.
        remaining_seconds: Expected time to the end of the run, with what is done after the last step.
    """

    step: int
    total_steps: int
    epoch: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    steps_per_second: float = 0.0
    remaining_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated(Event):
    """Metrics on the validation part.

    Attributes:
        step: Steps done.
        epoch: Epochs done; 0 where the data are endless.
        metrics: Such as `val/accuracy`.
        is_best: Whether these weights are the best so far.
        watched: Key of the metric that says so; "" where that is not told.
        versus_guess: How they compare with a trivial predictor: `better`, `no better` or `unknown`.
    """

    step: int
    epoch: float
    metrics: Mapping[str, float]
    is_best: bool
    watched: str = ""
    versus_guess: str = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected(Event):
    """A time budget, or early stopping, changed the number of steps at `step`, with the reason."""

    step: int
    total_steps: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved(Event):
    """A checkpoint became durable."""

    step: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Event):
    """Training goes on from a checkpoint; `exact` tells whether the same bits follow, `reason` why not."""

    step: int
    exact: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored(Event):
    """The best weights were put back: those of `step`, with their score."""

    step: int
    metric: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Event):
    """Training ended; `stopped` says why: budget, patience, target, diverged, interrupted (Ctrl-C) or terminated (SIGTERM)."""

    step: int
    stopped: str
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled(Event):
    """What the model has generated, to be looked at.

    Attributes:
        step: Steps done when it was generated.
        texts: Generated texts.
        png: A picture, or a sheet of them, as base64 PNG.
        points: Generated points [x, y].
        real: Points of the data, to compare with.
    """

    step: int
    texts: tuple[str, ...] = ()
    png: str = ""
    points: tuple[tuple[float, float], ...] = ()
    real: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientByLag(Event):
    """How strongly the loss depends on what a recurrent network read so many steps ago.

    Attributes:
        step: Steps done when it was measured.
        moment: `start`, `middle` or `end` of training.
        lags: Steps before the last one of a row, from 0 on.
        norms: For each lag the norm of the loss's gradient for the embedded input there, averaged over validation rows.
    """

    step: int
    moment: str
    lags: tuple[float, ...]
    norms: tuple[float, ...]


class Sink(Protocol):
    """Takes events; must neither fail nor slow training."""

    def take(self, event: Event) -> None:
        """Take one event."""

    def close(self) -> None:
        """Write out what is held back."""


def as_record(event: Event) -> dict[str, object]:
    """Return an event as a flat record with its class name under `event`."""
    return {"event": type(event).__name__, **asdict(event)}
