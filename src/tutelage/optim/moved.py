"""One number of a network before and after an update, so that an optimizer's rule can be followed.

Not a component.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Moved"]


@dataclass(frozen=True, slots=True)
class Moved:
    """A weight that was updated.

    Attributes:
        weight: Before.
        gradient: Of the loss, as the optimizer got it (clipped, where gradients are).
        before: What the optimizer kept of it before, by torch's names, such as `exp_avg`; 0 where there was nothing.
        after: The same afterwards.
        new_weight: After.
        settings: Of its parameter group, such as `lr` as it was at this step.
    """

    weight: float
    gradient: float
    before: Mapping[str, float]
    after: Mapping[str, float]
    new_weight: float
    settings: Mapping[str, Any]

    @property
    def update(self) -> float:
        """What was added to the weight."""
        return self.new_weight - self.weight
