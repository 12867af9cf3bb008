"""The rollout stream: advantages by their definition, minibatches as a whole, episodes counted, state exact."""

import collections
import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tutelage.core.errors import FaultyEnvironmentError
from tutelage.env.base import Transition
from tutelage.env.cartpole import CartPole, CartPoles
from tutelage.env.replay import Replay, ReplayStream
from tutelage.env.rollout import Rollout, RolloutStream, advantages


class Pusher:
    """Pushes at random, and takes the sum of what it sees for its value."""

    def noise(self, sizes: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.rand(*sizes, 1, generator=generator)

    def act(self, observation_EO: Tensor, noise_EA: Tensor) -> Tensor:
        return (noise_EA[:, 0] > 0.5).long()

    def to_env(self, action: Tensor) -> Tensor:
        return action

    def log_probability(self, observation_BO: Tensor, action: Tensor) -> Tensor:
        return torch.full((len(observation_BO),), -0.6931472)

    def predict_values(self, observation_BO: Tensor) -> Tensor:
        return observation_BO.sum(dim=1)

    def learn_scale(self, observation_BO: Tensor) -> None:
        pass


def stream(*, normalizes: bool = True, **settings: Any) -> RolloutStream:
    rollout = Rollout(num_steps=32, num_epochs=2, minibatch_size=64, normalizes=normalizes, **settings)
    return RolloutStream(CartPole(num_envs=4).build(), actor=Pusher(), rollout=rollout, seed=3)


def by_definition(reward: Tensor, value: Tensor, following: Tensor, ends: Tensor, cuts: Tensor) -> list[float]:
    """Sum the discounted errors of one environment, step by step, each sum ending with its episode."""
    found = []
    for start in range(len(reward)):
        total, weight = 0.0, 1.0
        for step in range(start, len(reward)):
            goes_on = 0.0 if ends[step] else 1.0
            total += weight * float(reward[step] + 0.9 * goes_on * following[step] - value[step])
            weight *= 0.9 * 0.8
            if ends[step] or cuts[step]:
                break
        found.append(total)
    return found


def test_advantages_are_sums_of_discounted_errors_up_to_the_end_of_the_episode() -> None:
    generator = torch.Generator().manual_seed(0)
    reward, value, following = (torch.randn(12, 3, generator=generator) for _ in range(3))
    ends, cuts = (torch.rand(12, 3, generator=generator) < 0.15 for _ in range(2))
    assert ends.any()
    assert cuts.any()
    found = advantages(
        reward, value_TE=value, next_TE=following, terminated_TE=ends, truncated_TE=cuts, discount=0.9, gae_lambda=0.8
    )
    for env in range(3):
        known = by_definition(reward[:, env], value[:, env], following[:, env], ends[:, env], cuts[:, env])
        # float32 sums in another order.
        assert found[:, env].tolist() == pytest.approx(known, abs=1e-5)


def test_advantages_are_normalized_over_the_whole_minibatch() -> None:
    batch = stream().next()
    assert float(batch["advantage"].mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(batch["advantage"].std()) == pytest.approx(1.0, abs=1e-4)
    raw = stream(normalizes=False).next()["advantage"]
    torch.testing.assert_close(batch["advantage"], (raw - raw.mean()) / (raw.std() + 1e-8))


def test_every_sample_is_served_once_in_each_epoch() -> None:
    served = stream(normalizes=False)
    first = torch.cat([served.next()["observation"] for _ in range(2)])
    second = torch.cat([served.next()["observation"] for _ in range(2)])
    assert torch.equal(first.sort(dim=0).values, second.sort(dim=0).values)
    assert not torch.equal(first, second)


def test_what_is_told_is_the_mean_return_of_the_episodes_that_ended() -> None:
    told = stream()
    told.next()
    metrics = told.metrics()
    assert metrics["env_steps"] == 4 * 32
    assert 5 < metrics["return"] < 60


def test_a_stream_goes_on_from_within_a_rollout() -> None:
    straight = stream()
    for _ in range(3):
        straight.next()
    state = copy.deepcopy(straight.state())
    rest = [straight.next() for _ in range(9)]
    again = stream()
    again.restore(state)
    for batch in rest:
        repeated = again.next()
        assert batch.keys() == repeated.keys()
        assert all(torch.equal(batch[name], repeated[name]) for name in batch)


@pytest.mark.parametrize("counters", [["x" * 5000, 0], [0], [0, None], "xx"])
def test_counters_that_are_no_numbers_are_refused_when_they_are_read(counters: object) -> None:
    begun = stream()
    begun.next()
    with pytest.raises((TypeError, ValueError)):
        begun.restore(begun.state() | {"counters": counters})


class Forgetful(CartPoles):
    """Cannot be put back: new episodes begin."""

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Any) -> Tensor:  # type: ignore[override]
        return self.reset(torch.Generator().manual_seed(1))


class Chooser(Pusher):
    def explore(self, observation_EO: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
        return torch.randint(2, (len(observation_EO),), generator=generator)

    def errors(self, batch: dict[str, Tensor]) -> Tensor:
        return torch.zeros(len(batch["reward"]))


def acting(kind: str, env: Any = None) -> Any:
    env = env or Forgetful(4, max_steps=500)
    if kind == "rollout":
        rollout = Rollout(num_steps=8, num_epochs=1, minibatch_size=32, scales_rewards=True)
        return RolloutStream(env, actor=Pusher(), rollout=rollout, seed=3)
    replay = Replay(capacity=100, warmup=32, collect_steps=1, num_updates=1, batch_size=8, discount=0.9)
    return ReplayStream(env, explorer=Chooser(), replay=replay, seed=3)


@pytest.mark.parametrize("way", ["restore", "renew"])
@pytest.mark.parametrize("kind", ["rollout", "replay"])
def test_rewards_of_episodes_that_were_broken_off_belong_to_no_other(kind: str, way: str) -> None:
    told = acting(kind)
    told.next()
    state = copy.deepcopy(told.state())
    assert state["returns/running"].abs().sum() > 0
    if way == "restore":
        told = acting(kind)
        told.restore(state)
    else:
        told.renew()
    sums = [value for name, value in told.state().items() if name.endswith("/running")]
    assert len(sums) == (2 if kind == "rollout" else 1)
    assert not any(value.any() for value in sums)


class Broken(CartPoles):
    """Divides by zero now and then."""

    def __init__(self, part: str) -> None:
        super().__init__(4, max_steps=500)
        self.part = part

    def step(self, action: Tensor) -> Transition:
        moved = super().step(action)
        bad = torch.where(moved.terminated, torch.nan, 0.0)
        found = getattr(moved, self.part)
        return replace(moved, **{self.part: found + (bad if found.dim() == 1 else bad[:, None])})


@pytest.mark.parametrize("part", ["reward", "observation", "final_observation"])
@pytest.mark.parametrize("kind", ["rollout", "replay"])
def test_numbers_that_are_not_finite_are_told_before_they_are_learned_from(kind: str, part: str) -> None:
    told = acting(kind, Broken(part))
    with pytest.raises(FaultyEnvironmentError, match=r"gives (a reward|an observation|a first observation) that is not finite"):
        collections.deque((told.next() for _ in range(64)), maxlen=0)
