"""What a micro-benchmark found: how long one operator of one size took."""

from typing import Annotated, Literal

from pydantic import Field

from tutelage.core.spec import Spec

__all__ = ["Amount", "Point", "Seconds"]

Seconds = Annotated[float, Field(ge=1e-15, le=1e9)]
"""What one call, or one step, takes: from below a processor's clock to thirty years, so that quotients stay finite."""
Amount = Annotated[float, Field(ge=-1e30, le=1e30)]
"""A count, or a difference that rounding may leave a little below 0."""
Work = Annotated[float, Field(ge=0, le=1e30)]
Size = Annotated[int, Field(ge=0, le=2**62)]


class Point(Spec):
    """One measured operator."""

    op: str = Field(description="The operator as torch dispatches it, such as mm.")
    category: str = Field(description="Its class, such as matmul.")
    dtype: str = Field(description="What it computes in, such as float32.")
    phase: Literal["forward", "backward", "update"] = Field(description="Part of a training step.")
    sizes: str = Field(description="Its dimensions, for people.")
    dims: tuple[Size, ...] = Field((), description="What the time depends on besides bytes, as its class counts.")
    flops: Work = Field(description="Floating-point operations of one call.")
    num_bytes: Work = Field(description="Bytes that one call reads and writes.")
    seconds: Seconds = Field(description="How long one call takes.")
    spread: float = Field(0.0, ge=0, description="How far the passes were apart, as a fraction.")

    @property
    def flops_per_second(self) -> float:
        """Speed of computing."""
        return self.flops / self.seconds

    @property
    def bytes_per_second(self) -> float:
        """Speed of reading and writing."""
        return self.num_bytes / self.seconds
