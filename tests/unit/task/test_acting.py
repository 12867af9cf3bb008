"""What an agent learns is what the papers say: ratio 1 at first, the double estimate, the temperature, scales."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from tutelage.core.errors import RecipeError
from tutelage.env.cartpole import CartPole
from tutelage.env.replay import Replay, ReplayStream
from tutelage.env.reward_scale import RewardScale
from tutelage.env.rollout import Rollout, RolloutStream
from tutelage.model.layers.observation import ObservationScale
from tutelage.optim.adam import Adam
from tutelage.optim.schedule.constant import Constant
from tutelage.planning.recipe import Recipe
from tutelage.task.base import Phase
from tutelage.task.dqn import Dqn, DqnTask
from tutelage.task.ppo import Ppo, PpoTask
from tutelage.task.sac import Sac, SacTask
from tutelage.training.step import Step, StepOptions


def phase(owned: str = "", *, lr: float = 1e-2) -> Phase:
    return Phase(owns=(owned,), optim=Adam(lr=lr), schedule=Constant(warmup=0))


def ppo(**settings: Any) -> PpoTask:
    torch.manual_seed(0)
    return PpoTask(Ppo(**settings), policy=nn.Linear(4, 2), value=nn.Linear(4, 1), phase=phase())


@pytest.mark.parametrize("spec", [{"num_actions": 2}, {"num_actions": 2, "low": (-1.0, -3.0), "high": (1.0, 5.0)}])
def test_before_the_first_update_the_ratio_is_one_and_nothing_has_moved(spec: dict[str, Any]) -> None:
    task = ppo(**spec)
    seen = torch.randn(64, 4)
    action = task.act(seen, task.noise((64,), torch.Generator()))
    batch = {"observation": seen, "action": action, "log_probability": task.log_probability(seen, action)}
    batch |= {"advantage": torch.randn(64), "return": torch.zeros(64)}
    with torch.no_grad():
        parts = task.objective("policy", batch).parts
    # The same float32 operations in the same order.
    assert float(parts["kl"]) == pytest.approx(0.0, abs=1e-6)


def test_a_batch_of_one_sample_is_refused_since_its_advantage_has_no_spread() -> None:
    unused: Any = None
    with pytest.raises(RecipeError, match=r"batch_size = 1 must be at least 2.*Typical"):
        Ppo().decide(Recipe(batch_size=1), unused, auto=unused, made=unused)


def test_choices_are_drawn_as_often_as_the_policy_says() -> None:
    task = ppo(num_actions=2)
    seen = torch.ones(20_000, 4)
    chosen = task.act(seen, task.noise((20_000,), torch.Generator().manual_seed(0))).float().mean()
    assert float(chosen) == pytest.approx(torch.softmax(task.policy(seen[:1]), -1)[0, 1].item(), abs=0.015)


def test_a_gaussian_policy_has_the_density_of_a_normal_distribution_and_acts_within_bounds() -> None:
    task = ppo(num_actions=2, low=(-1.0, -3.0), high=(1.0, 5.0))
    assert task.log_std is not None
    nn.init.constant_(task.log_std, -0.5)
    seen, action = torch.randn(8, 4), torch.randn(8, 2)
    known = torch.distributions.Normal(task.policy(seen), math.exp(-0.5)).log_prob(action).sum(-1)
    torch.testing.assert_close(task.log_probability(seen, action), known.detach())
    assert task.to_env(torch.tensor([[-5.0, 0.0], [0.5, 5.0]])).tolist() == [[-1.0, 1.0], [0.5, 5.0]]


def test_a_policy_that_has_moved_too_far_collects_anew() -> None:
    task = ppo(num_actions=2)
    step = Step(task, StepOptions())
    rollout = Rollout(num_steps=16, num_epochs=50, minibatch_size=64, target_kl=0.001, max_env_steps=200)
    stream = RolloutStream(CartPole(num_envs=4).build(), actor=task, rollout=rollout, seed=0)
    for _ in range(60):
        stream.observe(step(("policy",), stream.next(), 0.0))
        if stream.is_spent:
            break
    assert stream.env_steps == 192, "three rollouts, of which a fourth would exceed the budget"


def test_the_double_estimate_chooses_with_one_network_and_values_with_the_other() -> None:
    task = DqnTask(Dqn(num_actions=2), q=nn.Linear(1, 2, bias=False), phase=phase("q."))
    with torch.no_grad():
        task.q.weight.copy_(torch.tensor([[1.0], [2.0]]))
        task.target.weight.copy_(torch.tensor([[10.0], [5.0]]))
    batch = {name: torch.tensor([value]) for name, value in (("reward", 1.0), ("discount", 0.5))}
    batch |= {"observation": torch.ones(1, 1), "next_observation": torch.ones(1, 1), "action": torch.tensor([0])}
    assert task.errors(batch).tolist() == [1.0 + 0.5 * 5.0 - 1.0]


def test_epsilon_falls_in_a_straight_line_and_then_stays() -> None:
    task = DqnTask(Dqn(num_actions=2), q=nn.Linear(4, 2), phase=phase("q."))
    replay = Replay(1000, 20, 1, 1, 8, 0.99, num_steps=3, epsilon=0.1, explore_steps=100)
    stream = ReplayStream(CartPole(num_envs=2).build(), explorer=task, replay=replay, seed=0)
    assert stream.epsilon == 1.0
    for _ in range(20):
        stream.next()
    assert stream.env_steps == 60
    assert stream.epsilon == pytest.approx(1.0 - 0.9 * 0.4)
    for _ in range(40):
        stream.next()
    assert stream.epsilon == 0.1


def sac() -> SacTask:
    torch.manual_seed(0)
    critics = nn.ModuleList(nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1)) for _ in range(2))
    learner = Phase(owns=SacTask.owned["actor"], optim=Adam(lr=3e-2), schedule=Constant(warmup=0))
    phases = {"critic": phase("critics."), "actor": learner}
    return SacTask(Sac(num_actions=1, low=(-2.0,), high=(2.0,)), actor=nn.Linear(3, 2), critics=critics, phases=phases)


def test_a_squashed_action_has_the_density_of_the_change_of_variables() -> None:
    task = sac()
    seen, noise = torch.randn(16, 3), torch.randn(16, 1)
    action, log_density = task._try(seen, noise)
    mean, raw = task.actor(seen).chunk(2, dim=-1)
    normal = torch.distributions.Normal(mean, (-1.5 + 3.5 * torch.tanh(raw)).exp())
    squashed = torch.distributions.TransformedDistribution(normal, [torch.distributions.TanhTransform(cache_size=1)])
    # The two forms lose digits differently near -1 and 1.
    torch.testing.assert_close(log_density, squashed.log_prob(action).sum(-1), atol=1e-3, rtol=1e-3)


def test_the_temperature_leads_the_policy_to_its_target_entropy() -> None:
    task = sac()
    step, generator = Step(task, StepOptions()), torch.Generator()
    entropy = []
    for number in range(1500):
        batch = {
            "observation": torch.randn(128, 3, generator=generator),
            "reward": torch.zeros(128),
            "discount": torch.zeros(128),
        }
        batch |= {"next_observation": batch["observation"], "action": 2 * torch.rand(128, 1, generator=generator) - 1}
        # The best action is 0.5: without the entropy, the policy would become certain of it.
        batch["reward"] = -10.0 * (batch["action"] - 0.5).square().squeeze(1)
        report = step(task.beat(number), task.draw(batch, generator.manual_seed(number)), 0.0)
        entropy.append(float(report.parts["actor/entropy"]) / 128)
    assert sum(entropy[-200:]) / 200 == pytest.approx(-1.0, abs=0.15)


def test_the_scale_of_observations_is_that_of_all_that_was_seen() -> None:
    scale = ObservationScale((3,), are_pixels=False)
    seen = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 10.0, 0.1]) + 5.0
    assert torch.equal(scale(seen).clamp(-10, 10), seen.clamp(-10, 10)), "nothing was seen yet"
    for piece in seen.split([7, 193, 300]):
        scale.learn(piece)
    torch.testing.assert_close(scale.mean, seen.mean(0))
    torch.testing.assert_close(scale.variance, seen.var(0, correction=0), rtol=1e-5, atol=1e-6)
    pixels = ObservationScale((1, 8, 8), are_pixels=True)
    assert float(pixels(torch.full((1, 1, 8, 8), 255, dtype=torch.uint8)).max()) == 1.0


def test_what_lies_far_outside_of_what_was_seen_is_still_told_apart() -> None:
    # The first steps of CartPole-v1, at random, stay within 0.3 of the middle of a track that ends at 2.4.
    scale = ObservationScale((1,), are_pixels=False)
    scale.learn(0.07 * torch.randn(1_000, 1, generator=torch.Generator().manual_seed(0)))
    place = torch.tensor([[-2.4], [-1.2], [-0.6], [0.0], [0.6], [0.8], [1.2], [2.4], [1e30], [math.inf]])
    scaled = scale(place).squeeze(1)
    assert (scaled[1:9].diff() > 0.5).all()
    assert scaled.abs().max() == scaled[-1] < 150
    size = ((place[7, 0] - scale.mean) / (scale.variance + 1e-8).sqrt()).item()
    assert scaled[7].item() == pytest.approx(10 * (1 + math.log(size / 10)), rel=1e-5)
    torch.testing.assert_close(scale.quick(place), scale(place))


def test_rewards_are_divided_by_the_spread_of_discounted_returns() -> None:
    scale = RewardScale(1, discount=0.5)
    reward = torch.tensor([[2.0], [2.0], [4.0]])
    ended = torch.tensor([[False], [True], [False]])
    spread = torch.tensor([2.0, 3.0, 4.0]).std(correction=0)
    torch.testing.assert_close(scale.apply(reward, ended), reward / spread)


def test_a_step_that_only_begins_an_episode_counts_for_no_scale_of_rewards() -> None:
    reward, ended = torch.tensor([[2.0], [2.0], [4.0]]), torch.tensor([[False], [True], [False]])
    known, found = RewardScale(1, discount=0.5), RewardScale(1, discount=0.5)
    with_start = torch.cat([reward[:2], torch.zeros(1, 1), reward[2:]])
    is_real = torch.tensor([[True], [True], [False], [True]])
    scaled = found.apply(with_start, torch.tensor([[False], [True], [False], [False]]), is_real_TE=is_real)
    torch.testing.assert_close(scaled[is_real], known.apply(reward, ended).flatten())
    assert all(torch.equal(found.state()[key], value) for key, value in known.state().items())
    nothing = torch.zeros(1, 1)
    assert torch.equal(found.apply(nothing, nothing.bool(), is_real_TE=nothing.bool()), nothing)
    assert torch.equal(found.state()["moments"], known.state()["moments"])
