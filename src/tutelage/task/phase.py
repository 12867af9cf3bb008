"""One kind of update of a training: which parameters learn, with which optimizer, how fast."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tutelage.optim.base import Optim
from tutelage.optim.schedule.base import Schedule

__all__ = ["Phase"]


@dataclass(frozen=True, slots=True)
class Phase:
    """One kind of update: who learns, how.

    Attributes:
        owns: Beginnings of the names of the parameters that learn; ("",) for all of them.
        optim: The optimizer's settings.
        schedule: The learning rate's course.
        clip: Largest global norm of the phase's gradients; 0 does not clip.
        order: 2 where the objective itself differentiates (gradient penalties): such a phase runs eager.
        factors: On the learning rate, by the beginning of parameters' names; 1 where nothing is said.
    """

    owns: tuple[str, ...]
    optim: Optim
    schedule: Schedule
    clip: float = 0.0
    order: Literal[1, 2] = 1
    factors: Mapping[str, float] = field(default_factory=dict)
