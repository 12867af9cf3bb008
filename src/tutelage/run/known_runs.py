"""What equal trainings have taken on this machine: written at the end of each, read by the next one."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tutelage.core.cache_folder import cache_folder
from tutelage.core.typed import Count
from tutelage.foresight.history import History
from tutelage.foresight.kept import Amount, Name, Seconds, Share
from tutelage.foresight.pace import FEW_SPREAD, Pace
from tutelage.foresight.run_time import Measured
from tutelage.planning.plan import Plan
from tutelage.training.machine import bits_depend_on

__all__ = ["Foretold", "foretold", "known_run", "known_runs", "plan_key", "remember"]

AMOUNTS = (
    "decisions", "seed", "source", "total_steps", "time_seconds", "useful_steps", "corrections", "patience", "min_delta",
    "until",
)  # fmt: skip
"""Keys of a plan on which the time of a step does not depend."""
ENDS = ("total_steps", "time_seconds", "useful_steps", "patience", "min_delta", "until")
"""Those of them on which it depends how many steps are made."""
MOST_RUNS = 8
"""Trainings that are asked, the newest: those long ago were of another program."""
LEAST_SECONDS = 1e-6
"""A step that takes less is none."""
MOST_PARTS = 60
"""Of a run that are timed by themselves."""
MOST_SPREAD = 1.0
"""Relative standard deviation of a remembered pace at most: a third, or three times as much."""


@dataclass(frozen=True, slots=True)
class Foretold:
    """What trying a training has told of the whole of it, to be compared with the training that follows by the same words.

    Attributes:
        kind: Of the forecast.
        seconds: Expected, up to where a training looks at what came of it.
        spread: Standard deviation of its logarithm, without the factor of outcomes before.
    """

    kind: str
    seconds: float
    spread: float


def plan_key(plan: Plan) -> str:
    """Return what trainings have in common whose steps take the same time: plan and machine."""
    if plan.execution is not None:
        # Figures of trying differ each time.
        plan = plan.but(execution=plan.execution.chosen)
    record = {key: value for key, value in plan.to_record().items() if key not in AMOUNTS}
    text = json.dumps([record, bits_depend_on(plan.device)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _ends_key(plan: Plan) -> str:
    """Return what equal trainings have in common that make as many steps."""
    record = plan.to_record()
    text = json.dumps({key: record.get(key) for key in ENDS}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def remember(plan: Plan, measured: Measured, history: History | None = None, *, told: Foretold | None = None) -> None:
    """Keep what was measured of a training, for the next one that is equal.

    Args:
        plan: Everything decided.
        measured: What its parts took.
        history: Where to keep it; None for that of the cache folder.
        told: What was forecast by that; None where nothing was, or where it is scored elsewhere.
    """
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
    more = {} if told is None else {"told": {**asdict(told), "ends": _ends_key(plan)}}
    (history or History(cache_folder())).add({"key": plan_key(plan), "measured": kept, **more})


def foretold(plan: Plan, history: History) -> Foretold | None:
    """Return what was last told of a training by trying it; None where another one like it came since, or was meant."""
    record = history.last(plan_key(plan)).get("told")
    try:
        told = None if record is None else _Foretold.model_validate(record)
    except ValidationError:
        return None
    return None if told is None or told.ends != _ends_key(plan) else Foretold(told.kind, told.seconds, told.spread)


def known_runs(plan: Plan, history: History) -> list[Measured]:
    """Return what was remembered of equal trainings, the newest first."""
    found = (known_run(record) for record in history.all_known(plan_key(plan), most=MOST_RUNS))
    return [measured for measured in found if measured is not None and measured.pace.seconds > 0]


def known_run(record: Mapping[str, Any]) -> Measured | None:
    """Return what was remembered of one training; None where it cannot be read."""
    try:
        known = _Known.model_validate(record)
    except ValidationError:
        return None
    opening = None if known.opening is None else known.opening.read()
    return Measured(
        how="known",
        once=known.once,
        pace=known.pace.read(),
        opening=opening,
        **known.model_dump(exclude={"once", "pace", "opening"}),
    )


class _Pace(BaseModel):
    """A remembered pace, as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    seconds: Seconds
    warm_up_seconds: Seconds = 0.0
    spread: Seconds = FEW_SPREAD
    drift: Share = 0.0
    num_steps: Count = 0

    @field_validator("seconds")
    @classmethod
    def _require_possible(cls, seconds: float) -> float:
        """Refuse a step that no machine makes."""
        if 0 < seconds < LEAST_SECONDS:
            raise ValueError(f"no machine makes a step in {seconds} s")
        return seconds

    def read(self) -> Pace:
        """Return it as it is believed."""
        found = Pace(**self.model_dump())
        # One of the steps may have built kernels: of two that is half of all, of a hundred next to nothing.
        return replace(found, spread=min(max(found.spread, 1 / max(found.num_steps, 1)), MOST_SPREAD))


class _Foretold(BaseModel):
    """What was told of a training, as it is written."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    kind: Name
    seconds: Amount
    spread: Amount
    ends: Name


class _Known(BaseModel):
    """A remembered training, as it is written."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    once: Annotated[dict[Name, Seconds], Field(max_length=MOST_PARTS)]
    pace: _Pace
    opening: _Pace | None
    first_evaluation: Seconds
    evaluation: Seconds
    evaluation_spread: Seconds
    checkpoint: Seconds
    step_flops: Amount = 0.0
