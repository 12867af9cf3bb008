"""How the steps of an own module are computed, as measured here, with the figures that decided it."""

from typing import Annotated, Literal

from pydantic import Field

from tutelage.core.spec import Spec

__all__ = ["Execution", "MemoryFormat", "TriedWay"]

MemoryFormat = Literal["contiguous", "channels_last"]


class TriedWay(Spec):
    """One way to compute a step, and what it took.

    Attributes:
        precision: Of products and convolutions.
        memory_format: How images lie in memory.
        compile: Whether the objective was compiled.
        step_seconds: Median time of a step.
        cosine: Cosine between its gradient and that in float32, the smallest of some batches; 1 where it is float32 itself.
        loss_difference: Relative difference of its loss from that in float32, the largest of some batches.
    """

    precision: Literal["float32", "bfloat16"]
    memory_format: MemoryFormat
    compile: Literal["none", "inductor"]
    step_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    cosine: Annotated[float, Field(ge=-1.01, le=1.01)] = 1.0
    loss_difference: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class Execution(Spec):
    """What was chosen beside precision and compiling, and what decided it.

    Attributes:
        memory_format: How weights of convolutions, and so images, lie in memory.
        tried: Every way that was measured, the plain one first.
    """

    memory_format: MemoryFormat = "contiguous"
    tried: tuple[TriedWay, ...] = ()
