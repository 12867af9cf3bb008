"""What a training was told of its own length: its checkpoints keep it, so that it is scored however often it was interrupted."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["Told", "told_from"]

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Told(BaseModel):
    """A forecast as it was told.

    Attributes:
        seconds: Expected wall time.
        interval_80: Between these it lies in four of five cases.
        how: The kind of the forecast, within which outcomes say how wide intervals have to be.
        spread: Standard deviation of the logarithm of the wall time.
        parts: Seconds of each part.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    seconds: Amount
    interval_80: tuple[Amount, Amount]
    how: str
    spread: Amount
    parts: dict[str, Amount] = {}


def told_from(record: Any) -> Told | None:
    """Return what a checkpoint keeps; None where it keeps none, or nothing that can be read."""
    try:
        return Told.model_validate(record)
    except ValidationError:
        return None
