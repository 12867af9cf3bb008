"""Gradient penalties have the values of the closed form for a quadratic critic, and make a game converge that circles else."""

import pytest
import torch
from torch import Tensor

from tutelage.game.hinge import Hinge
from tutelage.game.non_saturating import NonSaturating
from tutelage.game.relativistic import Relativistic
from tutelage.game.slope import squared_slope
from tutelage.game.wasserstein import Wasserstein

GAMMA = 0.3


class Quadratic:
    """D(x) = x A x / 2 + b x, whose gradient is A x + b."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        half = torch.randn(4, 4, generator=generator, dtype=torch.float64)
        self.a = half + half.T
        self.b = torch.randn(4, generator=generator, dtype=torch.float64)

    def __call__(self, x_BD: Tensor) -> Tensor:
        x_BD = x_BD.flatten(1)
        return 0.5 * (x_BD @ self.a * x_BD).sum(1) + x_BD @ self.b

    def squared_slope(self, x_BD: Tensor) -> Tensor:
        return (x_BD.flatten(1) @ self.a + self.b).square().sum(1)


def samples(seed: int, *sizes: int) -> Tensor:
    return torch.randn(5, *sizes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_slope_of_a_quadratic_critic_is_its_own() -> None:
    critic, x = Quadratic(), samples(1, 4).requires_grad_()
    torch.testing.assert_close(squared_slope(critic(x), x), critic.squared_slope(x))


@pytest.mark.parametrize("sizes", [(4,), (1, 2, 2)])
def test_both_penalties_are_gamma_halves_times_the_numbers_of_a_sample(sizes: tuple[int, ...]) -> None:
    critic, real, generated = Quadratic(), samples(1, *sizes), samples(2, *sizes)
    side = Relativistic(gamma=GAMMA).critic_loss(critic, real, generated)
    expected = 0.5 * GAMMA * 4 * (critic.squared_slope(real) + critic.squared_slope(generated))
    assert side.penalty is not None
    torch.testing.assert_close(side.penalty, expected)
    plain = torch.nn.functional.softplus(critic(generated) - critic(real))
    torch.testing.assert_close(side.loss, plain + expected)


def test_the_first_penalty_alone_looks_at_real_samples_only() -> None:
    critic, real, generated = Quadratic(), samples(1, 4), samples(2, 4)
    side = NonSaturating(gamma=GAMMA).critic_loss(critic, real, generated)
    assert side.penalty is not None
    torch.testing.assert_close(side.penalty, 0.5 * GAMMA * 4 * critic.squared_slope(real))


def test_the_penalty_between_samples_is_zero_where_the_slope_is_one() -> None:
    real, generated, mix = samples(1, 4), samples(2, 4), torch.full((5,), 0.25, dtype=torch.float64)
    direction = torch.tensor([0.5, 0.0, 0.0, 0.0], dtype=torch.float64)
    side = Wasserstein(weight=7).critic_loss(lambda x: x @ direction, real, generated, mix_B=mix)
    assert side.penalty is not None
    assert side.penalty.abs().max() < 1e-9  # 4 numbers: a slope of 1 / sqrt(4)
    steep = Wasserstein(weight=7).critic_loss(lambda x: 3 * x @ direction, real, generated, mix_B=mix)
    assert steep.penalty is not None
    torch.testing.assert_close(steep.penalty, torch.full((5,), 7 * (3.0 - 1) ** 2, dtype=torch.float64))


def test_a_penalty_can_be_learned_from() -> None:
    weight = torch.tensor([2.0, -1.0], requires_grad=True)
    real, generated = torch.randn(3, 2), torch.randn(3, 2)
    side = NonSaturating(gamma=1.0).critic_loss(lambda x: x @ weight, real, generated)
    assert side.penalty is not None
    (slope,) = torch.autograd.grad(side.penalty.mean(), weight)
    torch.testing.assert_close(slope, 2 * weight.detach())  # of 1/2 * 2 * |weight|^2


def dirac(game: NonSaturating | Relativistic, *, steps: int = 2_000, rate: float = 0.05) -> list[float]:
    """Distance of both players from the solution: the data are 0, a sample is theta, the critic psi x; both begin at 1."""
    theta, psi = torch.ones(1, 1, requires_grad=True), torch.ones((), requires_grad=True)
    distances, real = [], torch.zeros(1, 1)

    def judge(x: Tensor) -> Tensor:
        return psi * x[:, 0]

    for _ in range(steps):
        (down,) = torch.autograd.grad(game.critic_loss(judge, real, theta.detach()).loss.sum(), psi)
        (pull,) = torch.autograd.grad(game.generator_loss(judge, real, theta).sum(), theta)
        with torch.no_grad():
            psi.sub_(rate * down)
            theta.sub_(rate * pull)
        distances.append(float((theta.square().sum() + psi.square()).sqrt().detach()))
    return distances


@pytest.mark.parametrize("game", [NonSaturating, Relativistic])
def test_a_dirac_circles_without_a_penalty_and_arrives_with_it(game: type[NonSaturating] | type[Relativistic]) -> None:
    circling, arriving = dirac(game(gamma=0.0)), dirac(game(gamma=0.5))
    # The eigenvalues at the solution are imaginary: what it nears it does slower than any power of a number below 1.
    assert min(circling) > 0.3
    assert arriving[-1] < 1e-3


@pytest.mark.parametrize("game", [Relativistic, NonSaturating, Hinge])
def test_a_penalty_of_some_samples_is_the_mean_over_these(game: type[Relativistic] | type[NonSaturating] | type[Hinge]) -> None:
    critic, real, generated = Quadratic(), samples(1, 4), samples(2, 4)
    asked: list[int] = []

    def judge(x: Tensor, rows: int = 5) -> Tensor:
        asked.append(rows)
        return critic(x)

    some = game(gamma=GAMMA, penalized=0.4).critic_loss(judge, real, generated)
    whole = game(gamma=GAMMA).critic_loss(judge, real, generated)
    assert some.penalty is not None
    assert whole.penalty is not None
    assert asked == [5, 2, 5]
    torch.testing.assert_close(some.penalty, whole.penalty[:2].mean().expand(5))
    torch.testing.assert_close(some.loss - some.penalty, whole.loss - whole.penalty)
