"""What all defaults are: good values for a kind of data and its size, each with its reason.

Found by measuring on real sets (docs/LOG.md has the numbers); decided from rows, shapes and classes, never from names.
"""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from tutelage.core.spec import Component
from tutelage.planning.facts import Facts

__all__ = ["COMMON_WHY", "Defaults", "Suggestion"]

COMMON_WHY = {
    "schedule": "a straight line to zero nearly always ends best when the end is known",
    "init": "the architecture's own",
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What auto chooses; `why` has a reason for each field.

    Attributes:
        model: Architecture.
        augment: Augmentation.
        optim: Optimizer.
        schedule: Learning-rate schedule.
        batch_size: Rows per step.
        label_smoothing: Fraction of a class target spread over all classes; nothing to tasks without classes.
        ema: Decay of the weight average; 0 keeps none.
        clip: Largest gradient norm; 0 does not clip.
        epochs: Passes over the train rows where no budget is given.
        steps: Optimizer steps where no budget is given and there are no epochs, since the data are endless.
        env_steps: Environment steps where no budget is given and an agent learns by acting; 0 elsewhere.
        useful_epochs: Passes beyond which a longer time budget does not help; 0 where there is no such limit.
        judge: What early stopping had better judge where a task has the choice: the decisions alone, the probabilities,
            or how well classes are told apart whatever the confidence.
        patience: Fraction of the budget without a better score.
        bf16: Whether bfloat16 products pay for such models, where the machine has them.
        compile: Whether compiling pays for such models, where the machine can and there is time for it.
        floor: The kind of the plain model that stands beside the network; "" for none.
        why: Reason by field name.
    """

    model: Component
    augment: Component
    optim: Component
    schedule: Component
    batch_size: int
    label_smoothing: float = 0.0
    ema: float = 0.0
    clip: float = 0.0
    epochs: float = 1.0
    steps: int = 1_000
    env_steps: int = 0
    useful_epochs: float = 0.0
    judge: Literal["decisions", "probabilities", "refinement"] = "probabilities"
    patience: float = 0.3
    bf16: bool = False
    compile: bool = False
    floor: str = ""
    why: dict[str, str] = field(default_factory=dict)

    def but(self, *, why: dict[str, str] | None = None, **changes: Any) -> "Suggestion":
        """Return a copy with some fields, and some reasons, changed."""
        return replace(self, why={**self.why, **(why or {})}, **changes)


class Defaults(Component):
    """The defaults of a kind of data; the file's name is the kind of its parts."""

    family: ClassVar[str] = "defaults"

    def suggest(self, facts: Facts) -> Suggestion:
        """Return good values for these facts."""
        raise NotImplementedError
