"""Step decay: the rate is cut by a ratio at chosen points of training; known from the classic residual nets.

factor = ratio^(milestones passed).

Source: "Deep Residual Learning for Image Recognition", He et al. 2015, arXiv 1512.03385, section 4.2.
Differs from the paper: milestones are fractions of the whole training.
"""

from typing import Annotated, Literal

from pydantic import Field

from tutelage.optim.schedule.warmup import WarmedUp

__all__ = ["StepDecay"]


class StepDecay(WarmedUp):
    """Stairs downwards."""

    kind: Literal["step"] = "step"
    milestones: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (0.5, 0.75, 0.9), description="Fractions of training, 0 to 1, at which the rate is cut."
    )
    ratio: float = Field(0.1, gt=0, le=1, description="Factor of each cut.")

    def after(self, progress: float) -> float:
        """Return the factor, 0 to 1, at a progress from `warmup` to 1."""
        return float(self.ratio ** sum(progress >= milestone for milestone in self.milestones))
