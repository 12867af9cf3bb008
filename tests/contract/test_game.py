"""Every game gives one finite loss per sample to each side, whose gradients push scores apart, or the generator's up."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tutelage.core import catalog
from tutelage.game.base import Game

KINDS = catalog.names("game")


def make(kind: str) -> Game:
    game: Game = catalog.load("game", kind)()
    return game


def sides(kind: str) -> tuple[Game, nn.Module, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    return make(kind), critic, torch.randn(6, 3) + 1, torch.randn(6, 3), torch.rand(6)


@pytest.mark.parametrize("kind", KINDS)
def test_each_side_has_one_finite_loss_per_sample(kind: str) -> None:
    game, critic, real, generated, mix = sides(kind)
    side = game.critic_loss(lambda x: critic(x)[:, 0], real, generated, mix_B=mix if game.draws_mix else None)
    loss = game.generator_loss(lambda x: critic(x)[:, 0], real, generated)
    for values in (side.loss, side.score_real, side.score_generated, loss):
        assert values.shape == (6,)
        assert torch.isfinite(values).all()
    assert (side.penalty is not None) == (game.order == 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_of_a_sample_depends_on_that_sample_alone(kind: str) -> None:
    game, critic, real, generated, mix = sides(kind)
    together = game.critic_loss(lambda x: critic(x)[:, 0], real, generated, mix_B=mix).loss
    alone = game.critic_loss(lambda x: critic(x)[:, 0], real[2:3], generated[2:3], mix_B=mix[2:3]).loss
    torch.testing.assert_close(together[2:3], alone)


@pytest.mark.parametrize("kind", KINDS)
def test_the_critic_learns_to_tell_and_the_generator_to_pass(kind: str) -> None:
    game, critic, real, generated, mix = sides(kind)

    def lead() -> float:
        return float((critic(real) - critic(generated)).mean().detach())

    before = lead()
    optimizer = torch.optim.SGD(critic.parameters(), lr=0.02)
    for _ in range(20):
        optimizer.zero_grad()
        game.critic_loss(lambda x: critic(x)[:, 0], real, generated, mix_B=mix).loss.mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert lead() > before
    moved = generated.clone().requires_grad_()
    (slope,) = torch.autograd.grad(game.generator_loss(lambda x: critic(x)[:, 0], real, moved).sum(), moved)
    assert float((critic(generated - 0.01 * slope) - critic(generated)).mean().detach()) > 0


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "gamma" in catalog.load("game", kind).model_fields])
def test_without_a_penalty_it_needs_no_second_derivative(kind: str) -> None:
    game: Any = make(kind).but(gamma=0.0)
    assert game.order == 1
    _, critic, real, generated, _ = sides(kind)
    with torch.no_grad():
        assert game.critic_loss(lambda x: critic(x)[:, 0], real, generated).penalty is None
