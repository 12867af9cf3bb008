"""A game's losses of scores with their gradients, for networks whose gradients are computed without autograd; not a component.

Shape letters: B samples of a batch.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from torch import Tensor

__all__ = ["Closed", "Scored"]


class Scored(NamedTuple):
    """A loss of scores, float32 [B] each.

    Attributes:
        loss: The loss of each pair of a real and a generated sample.
        by_real: Its gradient by the score of the real one.
        by_generated: Its gradient by the score of the generated one.
    """

    loss: Tensor
    by_real: Tensor
    by_generated: Tensor


class Closed(NamedTuple):
    """What a game asks of both sides, where no autograd is needed for it.

    Attributes:
        critic: score_real_B, score_generated_B -> the critic's loss, without a penalty.
        generator: The same -> the generator's loss.
        gamma: Weight of the penalty on squared slopes, for each number of a sample; 0 has none.
        penalized: Whose slopes are penalized.
        compares: Whether the generator's loss looks at the scores of real samples.
    """

    critic: Callable[[Tensor, Tensor], Scored]
    generator: Callable[[Tensor, Tensor], Scored]
    gamma: float
    penalized: Literal["real", "both"]
    compares: bool
