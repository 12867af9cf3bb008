"""What a predictor's file says beside its weights: every value checked for its type before it is used."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tutelage.predictor.int8 import Graph

__all__ = ["Facts", "Header", "Table"]

Table = dict[str, Any]


class Origins(BaseModel):
    """What is asked of where a model comes from: the step of its weights, and the runs that it was made of; more may be said."""

    model_config = ConfigDict(extra="allow", strict=True)
    step: Annotated[int, Field(ge=0, le=2**53)] = 0
    runs: list[str] = []


def _checked_facts(facts: Table) -> Table:
    Origins.model_validate(facts)
    return facts


Facts = Annotated[Table, AfterValidator(_checked_facts)]
"""Where a model comes from, as its file says."""


class Header(BaseModel):
    """What a predictor's file holds beside its weights; each value of its type, and none else."""

    model_config = ConfigDict(extra="forbid", strict=True)
    model: Table | None
    own_model: str
    task: Table
    prepare: str
    fitted: Table | None
    target: Table | None
    shape: Table
    num_outputs: Annotated[int, Field(ge=0, le=2**31)]
    calibrator: Table | None
    companion: Table | None
    conformal: Table | None = None
    precision: Literal["float32", "bfloat16"]
    device: str
    facts: Facts
    onnx: Graph | None = None
    is_mirrored: bool = False
    judge: Table | None = None
