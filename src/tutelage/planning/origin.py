"""What a training starts from: the wish for it, and what was decided of it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tutelage.core.spec import Auto, Location, Spec

__all__ = ["OriginPlan", "OriginWish"]


class OriginWish(Spec):
    """What to start from, and how what was learned before is treated."""

    path: Location = Field(
        "", description="A run folder, a folder with config.json and model.safetensors, or hf:NAME; empty starts from nothing."
    )
    prepare: Literal["auto", "keep", "refit"] = Field(
        "auto", description="Its preprocessing, or one fitted to the new train rows; auto = its own where the new data fit it."
    )
    head: Auto | Annotated[float, Field(ge=0, lt=1)] = Field(
        "auto", description="Fraction of the steps in which only what is new learns, in [0, 1); then all learns."
    )
    factor: Auto | Annotated[float, Field(gt=0, le=1)] = Field(
        "auto", description="Factor on the learning rate of what was learned before, next to the head, in (0, 1]."
    )
    deepest: Auto | Annotated[float, Field(gt=0, le=1)] = Field(
        "auto", description="The same next to the data; between them it changes by equal ratios."
    )


class OriginPlan(Spec):
    """What a training starts from, as decided; with it a resumed run needs the other folder no more.

    Attributes:
        path: Where it was.
        sha256: SHA-256 over the names and values of its weights.
        licence: What its author allows; "" where that is not known, or the weights are one's own.
        fresh: Names of the network's parameters that begin anew, wholly or in part.
        head: Fraction of the planned steps, at the beginning, in which only these learn; 0 where all learn at once.
        factor: On the learning rate of what was taken over, next to the head.
        deepest: The same next to the data.
        beside: Names of what learned beside the network and is taken over too, such as a critic.
        scale: Whether the running mean and spread of what the network sees go on from before, or begin anew.
    """

    path: Location
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    licence: str = ""
    fresh: tuple[str, ...] = ()
    head: Annotated[float, Field(ge=0, lt=1)] = 0.0
    factor: Annotated[float, Field(gt=0, le=1)] = 1.0
    deepest: Annotated[float, Field(gt=0, le=1)] = 1.0
    beside: tuple[str, ...] = ()
    scale: Literal["kept", "anew"] = "kept"

    @model_validator(mode="after")
    def _fits(self) -> "OriginPlan":
        """Refuse a beginning in which nothing learns."""
        if self.head and not self.fresh:
            raise ValueError(f"head = {self.head:g} of the steps for what is new, and nothing is new: expected 0")
        return self
