"""What every game is: the loss of each side of adversarial training, one number per sample, from what a critic says of samples.

Shape letters: B samples of a batch; a sample has any further dimensions, N numbers in all.
"""

from collections.abc import Callable
from typing import ClassVar, Literal, NamedTuple

from torch import Tensor

from tutelage.core.spec import Component
from tutelage.game.closed import Closed

__all__ = ["CriticLoss", "Game", "Judge"]

Judge = Callable[..., Tensor]
"""sample [B, ...] -> score_B float32, large for what the critic takes for real; of 2 B samples, 2 B scores. With `rows=n` these
belong to the first n samples of the batch alone."""


class CriticLoss(NamedTuple):
    """What the critic makes small, and what is worth a curve.

    Attributes:
        loss: Its loss, the penalty included, float32 [B], as are the others.
        score_real: What it says of real samples.
        score_generated: What it says of generated ones.
        penalty: The gradient penalty in the loss; None where there is none.
    """

    loss: Tensor
    score_real: Tensor
    score_generated: Tensor
    penalty: Tensor | None = None


class Game(Component):
    """The two losses of adversarial training."""

    family: ClassVar[str] = "game"
    draws_mix: ClassVar[bool] = False
    """Whether the critic's loss needs a random number per sample, uniform in [0, 1)."""

    @property
    def order(self) -> Literal[1, 2]:
        """2 where the critic's loss itself holds gradients of the critic."""
        return 1

    @property
    def closed(self) -> Closed | None:
        """Return its losses of scores with their gradients; None where it asks more of a critic than these and squared slopes."""
        return None

    def critic_loss(self, judge: Judge, real: Tensor, generated: Tensor, *, mix_B: Tensor | None = None) -> CriticLoss:
        """Return the critic's side.

        Args:
            judge: The critic.
            real: Real samples float32 [B, ...].
            generated: Generated samples of the same shape, without a graph.
            mix_B: Uniform random numbers where `draws_mix`, float32 [B].
        """
        raise NotImplementedError

    def generator_loss(self, judge: Judge, real: Tensor, generated: Tensor) -> Tensor:
        """Return the generator's side, loss_B; arguments as of `critic_loss`, `generated` with its graph."""
        raise NotImplementedError
