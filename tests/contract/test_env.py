"""Every environment keeps its shapes, starts episodes anew by itself, and goes on from a snapshot with the same bits."""

import copy
import json
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from tutelage.core import catalog
from tutelage.env.base import Environment, Transition
from tutelage.env.cartpole import CartPole

KINDS = catalog.names("env")
NUM_ENVS = 6


def make(kind: str, num_envs: int = NUM_ENVS, **settings: object) -> Environment:
    env: Environment = catalog.load("env", kind)(num_envs=num_envs, **settings).build()
    return env


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def act_randomly(env: Environment, steps: int, *, seed: int = 1) -> Iterator[Transition]:
    chooser = generator(seed)
    for _ in range(steps):
        yield env.step(env.actions.sample(env.num_envs, chooser))


def equal(first: Transition, second: Transition) -> bool:
    names = ("observation", "reward", "terminated", "truncated", "final_observation")
    return all(torch.equal(getattr(first, name), getattr(second, name)) for name in names)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_types_are_as_promised(kind: str) -> None:
    env = make(kind)
    observation = env.reset(generator())
    transition = next(act_randomly(env, 1))
    shape = (NUM_ENVS, *env.observation_sizes)
    assert observation.shape == transition.observation.shape == transition.final_observation.shape == shape
    assert observation.dtype == transition.observation.dtype == transition.reward.dtype == torch.float32
    assert transition.reward.shape == transition.terminated.shape == transition.truncated.shape == (NUM_ENVS,)
    assert transition.terminated.dtype == transition.truncated.dtype == torch.bool


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_and_actions_give_the_same_episodes(kind: str) -> None:
    first, second = make(kind), make(kind)
    assert torch.equal(first.reset(generator(4)), second.reset(generator(4)))
    assert all(equal(a, b) for a, b in zip(act_randomly(first, 200), act_randomly(second, 200), strict=True))
    assert not torch.equal(first.reset(generator(4)), first.reset(generator(5)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_given_is_not_touched(kind: str) -> None:
    given = generator(4)
    env = make(kind)
    env.reset(given)
    list(act_randomly(env, 3))
    assert torch.equal(given.get_state(), generator(4).get_state())


@pytest.mark.parametrize("kind", KINDS)
def test_a_snapshot_put_into_new_copies_goes_on_with_the_same_bits(kind: str) -> None:
    env = make(kind)
    env.reset(generator())
    list(act_randomly(env, 60))
    state = env.state()
    told = {name: value for name, value in state.items() if not isinstance(value, Tensor)}
    assert json.loads(json.dumps(told)) == told, "tensors, and JSON values"
    straight = list(act_randomly(env, 300, seed=9))
    again = make(kind)
    again.restore(state)
    resumed = list(act_randomly(again, 300, seed=9))
    assert any(bool(transition.terminated.any()) for transition in straight)
    assert all(equal(a, b) for a, b in zip(straight, resumed, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_snapshot_is_a_copy(kind: str) -> None:
    env = make(kind)
    env.reset(generator())
    state = env.state()
    before = copy.deepcopy(state)
    list(act_randomly(env, 20))
    env.restore(state)
    list(act_randomly(env, 20))
    assert before.keys() == state.keys()
    for name, value in before.items():
        assert torch.equal(value, state[name]) if isinstance(value, Tensor) else value == state[name]


@pytest.mark.parametrize("kind", KINDS)
def test_only_ended_episodes_start_anew_at_once_or_in_a_step_that_is_not_real(kind: str) -> None:
    env = make(kind)
    env.reset(generator())
    was_over = torch.zeros(NUM_ENVS, dtype=torch.bool)
    for transition in act_randomly(env, 200):
        is_over = transition.terminated | transition.truncated
        is_same = (transition.observation == transition.final_observation).all(1)
        if transition.is_real is None:
            assert torch.equal(is_same, ~is_over)
        else:
            assert is_same.all()
            assert torch.equal(transition.is_real, ~was_over)
            assert not is_over[was_over].any()
        was_over = is_over


@pytest.mark.parametrize("kind", KINDS)
def test_copies_can_be_reset_again_and_are_closed_once(kind: str) -> None:
    env = make(kind)
    first = env.reset(generator(4))
    list(act_randomly(env, 50))
    assert torch.equal(env.reset(generator(4)), first)
    env.close()
    env.close()


def test_cartpole_is_cut_after_its_time_limit() -> None:
    env = CartPole(num_envs=2, max_steps=5).build()
    env.reset(generator())
    for _ in range(3):
        cut = [env.step(torch.tensor([0, 1])).truncated.tolist() for _ in range(5)]
        assert cut == [[False, False]] * 4 + [[True, True]]


def test_cartpole_starts_uniformly_within_its_range() -> None:
    observation = CartPole(num_envs=4000).build().reset(generator()).double()
    assert observation.abs().max() <= 0.05
    # Mean and standard deviation of a uniform draw; four standard errors.
    assert observation.mean(0).abs().max() < 4 * 0.05 / (3 * 4000) ** 0.5
    assert torch.allclose(observation.std(0), torch.full((4,), 0.05 / 3**0.5, dtype=torch.float64), rtol=0.03)


def test_cartpole_takes_the_steps_of_gymnasium() -> None:
    gymnasium = pytest.importorskip("gymnasium")
    theirs = gymnasium.make("CartPole-v1")
    ours = CartPole(num_envs=1).build()
    ours.reset(generator())
    chooser = np.random.default_rng(0)
    ends = {"terminated": 0, "truncated": 0}
    is_over = True
    for step in range(10_000):
        body = ours.state()["body"][0]
        if is_over:
            theirs.reset(seed=step)
            theirs.unwrapped.state = body.numpy().copy()
        # A policy that balances for a while, so that time limits are met too.
        lean = float(body[2] + 0.2 * body[3] + 0.05 * body[1] + 0.02 * body[0])
        action = int(lean > 0) if chooser.random() > 0.02 * (step // 3000) else int(chooser.integers(2))
        transition = ours.step(torch.tensor([action]))
        observation, reward, terminated, truncated, _ = theirs.step(action)
        is_over = terminated or truncated
        assert np.allclose(transition.final_observation[0].numpy(), observation, rtol=0, atol=1e-6)
        assert float(transition.reward) == reward
        assert (bool(transition.terminated), bool(transition.truncated)) == (terminated, truncated)
        ends["terminated"] += terminated
        ends["truncated"] += truncated
    assert ends["truncated"] >= 2
