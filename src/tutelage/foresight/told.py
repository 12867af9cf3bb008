"""A forecast as a state keeps it, so that it is scored, and time left follows from it, however often the run was interrupted."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tutelage.core.typed import Count
from tutelage.foresight.kept import Amount, Name, Sum

__all__ = ["KEPT", "Second", "Told", "told_before"]

KEPT = "foresight"
"""Its key in a state's facts of the outer world, and in result.json."""

Figure = Count | Amount
"""A step, or a share."""
MOST_ENDS = 1000
"""Last steps that are kept at most; what is longer was written by another hand."""


class Second(BaseModel):
    """What was told once more, from the learning curve so far.

    Attributes:
        step: When.
        seconds: Wall time of the whole run.
        interval_80: Between these in four of five cases.
        spread: Standard deviation of the logarithm of the wall time.
        unscaled: The same without the factor by which forecasts of this kind have been off before.
        endings: How the run may end.
        ends: Last steps that are equally likely, rising: the time left is told by them, also after the run was interrupted.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    step: Count
    seconds: Sum
    interval_80: tuple[Sum, Sum]
    spread: Amount = 0.0
    unscaled: Amount = 0.0
    endings: dict[Name, Figure | tuple[Figure, Figure] | None] = {}
    ends: Annotated[tuple[Count, ...], Field(max_length=MOST_ENDS)] = ()


class Told(BaseModel):
    """What was told before the first step.

    Attributes:
        seconds: Wall time of the whole run.
        interval_50: Between these in half of all cases.
        interval_80: And in four of five.
        how: The kind of the forecast, such as `timed`.
        spread: Standard deviation of the logarithm of the wall time.
        scale: Factor in it, by which forecasts of this kind have been off before.
        unscaled: The spread without that factor.
        parts: Seconds of each part.
        step_seconds: Of one step.
        evaluation_seconds: Of one evaluation.
        step_flops: Operations of one step; 0 where they are not known.
        second: What was told later, where the run may end early; None before.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    seconds: Amount
    interval_50: tuple[Amount, Amount] = (0.0, 0.0)
    interval_80: tuple[Amount, Amount]
    how: Name
    spread: Amount = 0.0
    scale: Amount = 1.0
    unscaled: Amount = 0.0
    parts: Annotated[dict[Name, Amount], Field(max_length=100)] = {}
    step_seconds: Amount = 0.0
    evaluation_seconds: Amount = 0.0
    step_flops: Amount = 0.0
    second: Second | None = None

    def record(self) -> dict[str, Any]:
        """Return JSON values, rounded as people read them."""
        whole = self.model_dump(mode="json", exclude_none=True)
        rounded = {
            "seconds": round(self.seconds, 3),
            "interval_50": [round(value, 3) for value in self.interval_50],
            "interval_80": [round(value, 3) for value in self.interval_80],
            "parts": {name: round(value, 3) for name, value in self.parts.items()},
        }
        return whole | rounded


def told_before(outside: Mapping[str, Any]) -> Told | None:
    """Return what a state keeps; None where nothing was told, or it was damaged since."""
    try:
        return Told.model_validate(outside[KEPT])
    except (KeyError, ValidationError):
        return None
