"""What tasks have in common whose networks make rows like those of the data: what these start from, and what outputs mean."""

from typing import Protocol, runtime_checkable

from torch import Tensor

__all__ = ["SampleMaker"]


@runtime_checkable
class SampleMaker(Protocol):
    """Settings of a task whose network makes samples."""

    @property
    def classes(self) -> int:
        """Classes that may be asked for; 0 where there are none."""

    def latents(self, num: int, *, seed: int, classes: Tensor | None = None) -> Tensor:
        """Return what the network starts from, float32 [num, ...].

        Args:
            num: How many samples.
            seed: Root of the random numbers; the n-th is the same however many there are.
            classes: The wanted class of each, int64 [num]; None where the network knows none.
        """

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return samples float32 [B, ...] of outputs [B, numbers]."""
