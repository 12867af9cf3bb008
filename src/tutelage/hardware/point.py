"""What a micro-benchmark found: how long one operator of one size took."""

from typing import Literal

from pydantic import Field

from tutelage.core.spec import Spec

__all__ = ["Point"]


class Point(Spec):
    """One measured operator."""

    op: str = Field(description="The operator as torch dispatches it, such as mm.")
    category: str = Field(description="Its class, such as matmul.")
    dtype: str = Field(description="What it computes in, such as float32.")
    phase: Literal["forward", "backward", "update"] = Field(description="Part of a training step.")
    sizes: str = Field(description="Its dimensions, for people.")
    dims: tuple[int, ...] = Field((), description="What the time depends on besides bytes, as its class counts.")
    flops: float = Field(ge=0, description="Floating-point operations of one call.")
    num_bytes: float = Field(ge=0, description="Bytes that one call reads and writes.")
    seconds: float = Field(gt=0, description="How long one call takes.")
    spread: float = Field(0.0, ge=0, description="How far the passes were apart, as a fraction.")

    @property
    def flops_per_second(self) -> float:
        """Speed of computing."""
        return self.flops / self.seconds

    @property
    def bytes_per_second(self) -> float:
        """Speed of reading and writing."""
        return self.num_bytes / self.seconds
