"""How the steps of a training are computed: as said, or as measured here, with the figures that decided it."""

from typing import Annotated, Literal

from pydantic import Field

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Grid
from tutelage.core.spec import Spec

__all__ = ["MOST_THREADS", "Execution", "MemoryFormat", "RuledOut", "TriedWay", "Way", "usual_format"]

MemoryFormat = Literal["contiguous", "channels_last"]
MOST_THREADS = 2**16


class Way(Spec):
    """A way to compute a step.

    Attributes:
        precision: Of products and convolutions.
        memory_format: How images, and the weights of convolutions, lie in memory.
        compile: Whether the objective is compiled.
        num_threads: Threads that torch computes with on a CPU; 0 = as many as it has.
        num_micro: Parts that a batch is cut into.
    """

    precision: Literal["float32", "bfloat16"]
    memory_format: MemoryFormat
    compile: Literal["none", "inductor"] = "none"
    num_threads: Annotated[int, Field(ge=0, le=MOST_THREADS)] = 0
    num_micro: Annotated[int, Field(ge=1)] = 1

    def say(self) -> str:
        """Write it for people."""
        words = [self.precision, self.memory_format.replace("_", " ")]
        words += ["compiled"] if self.compile != "none" else []
        words += [f"{self.num_threads} thread{'s' * (self.num_threads > 1)}"] if self.num_threads else []
        words += [f"in {self.num_micro} parts"] if self.num_micro > 1 else []
        return ", ".join(words)


class TriedWay(Way):
    """A way that was tried, and what it took.

    Attributes:
        step_seconds: Median time of a step.
        rows: Rows of the batches that it was timed with, where steps are too long to be tried whole; 0 = whole batches.
        cosine: Cosine between its gradient and that in float32, the smallest of some batches; 1 where it is float32 itself.
        loss_difference: Relative difference of its loss from that in float32, the largest of some batches.
    """

    step_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    rows: Annotated[int, Field(ge=0)] = 0
    cosine: Annotated[float, Field(ge=-1.01, le=1.01)] = 1.0
    loss_difference: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0

    def say_seconds(self) -> str:
        """Write what it took."""
        return f"{1000 * self.step_seconds:.3g} ms a step" + (f" of {self.rows} rows" if self.rows else "")


class RuledOut(Way):
    """A way that cannot be taken, however fast it is.

    Attributes:
        reason: Why, such as that its gradient does not hold.
    """

    reason: str


class Execution(Spec):
    """What was chosen beside precision, compiling and micro-batches, and what decided it.

    Attributes:
        memory_format: How weights of convolutions, and so images, lie in memory.
        num_threads: Threads that torch computes with on a CPU; 0 = as many as it has.
        step_seconds: Median time of a whole step as it was chosen; 0 where that was not measured.
        tried: Every way that was measured, the plain one first.
        ruled_out: Every way that cannot be taken.
    """

    memory_format: MemoryFormat = "contiguous"
    num_threads: Annotated[int, Field(ge=0, le=MOST_THREADS)] = 0
    step_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    tried: tuple[TriedWay, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()

    @property
    def chosen(self) -> "Execution":
        """The choice alone, without the figures, which differ each time."""
        return Execution(memory_format=self.memory_format, num_threads=self.num_threads)


def usual_format(shape: Shape | None) -> MemoryFormat:
    """Return how weights of convolutions lie in memory where nothing is said or measured: pictures go channels last."""
    return "channels_last" if shape is not None and shape.view(Grid) is not None else "contiguous"
