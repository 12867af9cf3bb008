"""What every schedule is: a pure function from the progress of training to a factor on the learning rate."""

from typing import ClassVar

from tutelage.core.spec import Component

__all__ = ["Schedule"]


class Schedule(Component):
    """A learning-rate schedule; it has no state, so there is nothing to save or to get out of step."""

    family: ClassVar[str] = "schedule"

    def factor(self, progress: float) -> float:
        """Return the factor, 0 to 1, at `progress` = steps done / steps planned, in [0, 1)."""
        raise NotImplementedError
