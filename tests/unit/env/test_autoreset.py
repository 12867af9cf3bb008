"""Each autoreset mode of Gymnasium gives the same episodes, the same advantages and the same n-step returns."""

from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("gymnasium")

from tests.unit.env.scripted import Walk
from tutelage.env.gymnasium import GymnasiumVector, make_vector
from tutelage.env.memory import Memory
from tutelage.env.replay import Replay, ReplayStream
from tutelage.env.rollout import Rollout, RolloutStream

MODES = ("NextStep", "SameStep", "Disabled")


def walk(mode: str, num_envs: int = 1) -> GymnasiumVector:
    return GymnasiumVector(make_vector("", num_envs, make=Walk, mode=mode))


class Still:
    """Always takes action 0, and takes episode + step / 10 for the value."""

    def noise(self, sizes: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.zeros(*sizes, 1)

    def act(self, observation_EO: Tensor, noise_EA: Tensor) -> Tensor:
        return torch.zeros(len(observation_EO), dtype=torch.int64)

    def to_env(self, action: Tensor) -> Tensor:
        return action

    def log_probability(self, observation_BO: Tensor, action: Tensor) -> Tensor:
        return torch.zeros(len(observation_BO))

    def predict_values(self, observation_BO: Tensor) -> Tensor:
        return observation_BO[:, 0] + observation_BO[:, 1] / 10

    def learn_scale(self, observation_BO: Tensor) -> None:
        pass


def samples(mode: str) -> dict[tuple[float, float], float]:
    """The advantage of each state that was acted on."""
    rollout = Rollout(num_steps=12, num_epochs=1, minibatch_size=12, discount=0.9, gae_lambda=0.8, normalizes=False)
    stream = RolloutStream(walk(mode), actor=Still(), rollout=rollout, seed=0)
    batch = stream.next()
    weight = batch.get("weight", torch.ones(12))
    rows = zip(batch["observation"].tolist(), batch["advantage"].tolist(), weight.tolist(), strict=True)
    return {(state[0], state[1]): advantage for state, advantage, is_real in rows if is_real}


def by_definition(episode: int, place: int) -> float:
    """Sum the discounted errors to the end of the episode; the value after an end is 0, after a cut that of where it led to."""
    length, is_end = (3, True) if episode % 2 == 0 else (5, False)
    total = 0.0
    for ahead, step in enumerate(range(place, length)):
        following = 0.0 if is_end and step + 1 == length else episode + (step + 1) / 10
        total += (0.9 * 0.8) ** ahead * (1.0 + 0.9 * following - (episode + step / 10))
    return total


@pytest.mark.parametrize("mode", MODES)
def test_advantages_are_those_of_the_definition_whatever_the_autoreset_mode(mode: str) -> None:
    found = samples(mode)
    whole = [(0, place) for place in range(3)] + [(1, place) for place in range(5)]
    assert set(whole) <= set(found)
    for episode, place in whole:
        assert found[(episode, place)] == pytest.approx(by_definition(episode, place), abs=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_ends_and_cuts_are_told_apart_with_what_they_led_to(mode: str) -> None:
    env = walk(mode, num_envs=2)
    env.reset(torch.Generator())
    ends = []
    for _ in range(20):
        moved = env.step(torch.zeros(2, dtype=torch.int64))
        if moved.terminated[0] or moved.truncated[0]:
            ends.append((moved.final_observation[0].tolist(), bool(moved.terminated[0]), bool(moved.truncated[0])))
    assert ends[:3] == [([0.0, 3.0], True, False), ([1.0, 5.0], False, True), ([2.0, 3.0], True, False)]


def remembered(mode: str, num_steps: int) -> dict[tuple[float, float], dict[str, Any]]:
    """The n-step return of each state that was acted on."""
    env, memory = walk(mode), Memory(30, num_envs=1)
    observation = env.reset(torch.Generator())
    for _ in range(14):
        moved = env.step(torch.zeros(1, dtype=torch.int64))
        step = {
            "observation": observation,
            "action": torch.zeros(1, dtype=torch.int64),
            "reward": moved.reward,
            "terminated": moved.terminated,
            "truncated": moved.truncated,
            "final": moved.final_observation,
        }
        memory.add(step if moved.is_real is None else {**step, "is_real": moved.is_real})
        observation = moved.observation
    rows = torch.arange(14)
    batch = memory.take(rows, torch.zeros_like(rows), num_steps=num_steps, discount=0.5)
    found = {}
    for row in range(14):
        if "weight" not in batch or batch["weight"][row]:
            state = tuple(batch["observation"][row].tolist())
            found[state] = {name: batch[name][row].tolist() for name in ("reward", "next_observation", "discount")}
    return found


@pytest.mark.parametrize("mode", MODES)
def test_n_step_returns_never_cross_an_episode(mode: str) -> None:
    found = remembered(mode, 3)
    assert found[(0.0, 0.0)] == {"reward": 1.75, "next_observation": [0.0, 3.0], "discount": 0.0}, "three steps to the end"
    assert found[(0.0, 2.0)] == {"reward": 1.0, "next_observation": [0.0, 3.0], "discount": 0.0}, "one step to the end"
    assert found[(1.0, 1.0)] == {"reward": 1.75, "next_observation": [1.0, 4.0], "discount": 0.125}, "within the episode"
    assert found[(1.0, 3.0)] == {"reward": 1.5, "next_observation": [1.0, 5.0], "discount": 0.25}, (
        "up to the cut: it goes on there"
    )


def test_what_is_remembered_is_overwritten_and_no_return_goes_beyond_the_newest_step() -> None:
    memory = Memory(4, num_envs=1)
    for number in range(6):
        value = torch.tensor([float(number)])
        over = torch.tensor([False])
        memory.add(
            {"observation": value, "action": value, "reward": value, "terminated": over, "truncated": over, "final": value + 1}
        )
    assert len(memory) == 4
    rows = torch.arange(4)
    batch = memory.take(rows, torch.zeros_like(rows), num_steps=3, discount=1.0)
    # Rows hold steps 4, 5, 2, 3.
    assert batch["reward"].tolist() == [9.0, 5.0, 9.0, 12.0]
    assert batch["next_observation"].tolist() == [6.0, 6.0, 5.0, 6.0]


def test_priorities_decide_how_often_a_step_is_drawn_and_its_weight_corrects_that() -> None:
    memory = Memory(4, num_envs=1, has_priorities=True)
    for number in range(4):
        value, over = torch.tensor([float(number)]), torch.tensor([False])
        memory.add(
            {"observation": value, "action": value, "reward": value, "terminated": over, "truncated": over, "final": value}
        )
    rows = torch.arange(4)
    memory.set_priority(rows, torch.zeros_like(rows), torch.tensor([1.0, 2.0, 3.0, 4.0]))
    row, _, weight = memory.draw_by_priority(20_000, torch.Generator().manual_seed(0), power=1.0)
    share = torch.bincount(row, minlength=4) / 20_000
    # Four standard errors of a share near a half.
    assert torch.allclose(share, torch.tensor([0.1, 0.2, 0.3, 0.4]), atol=0.015)
    assert {(int(one), round(float(each), 4)) for one, each in zip(row, weight, strict=True)} == {
        (0, 1.0), (1, 0.5), (2, 0.3333), (3, 0.25)
    }  # fmt: skip


def test_a_step_that_was_none_is_never_drawn_by_priority() -> None:
    memory = Memory(6, num_envs=1, has_priorities=True)
    for number in range(6):
        value, over = torch.tensor([float(number)]), torch.tensor([False])
        step = {"observation": value, "action": value, "reward": value, "terminated": over, "truncated": over, "final": value}
        memory.add({**step, "is_real": torch.tensor([number % 3 != 2])})
    row, env, _ = memory.draw_by_priority(1_000, torch.Generator().manual_seed(0), power=0.4)
    assert set(row.tolist()) == {0, 1, 3, 4}
    assert memory.take(row, env, num_steps=1, discount=1.0)["weight"].all()


class Seeing(Still):
    """Remembers what the scale of observations is learned from."""

    def __init__(self) -> None:
        self.seen: list[Tensor] = []

    def learn_scale(self, observation_BO: Tensor) -> None:
        self.seen.append(observation_BO)

    def explore(self, observation_EO: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
        return torch.zeros(len(observation_EO), dtype=torch.int64)

    def errors(self, batch: dict[str, Tensor]) -> Tensor:
        return torch.zeros(len(batch["reward"]))


@pytest.mark.parametrize("kind", ["rollout", "replay"])
@pytest.mark.parametrize("mode", MODES)
def test_the_scale_of_observations_is_learned_from_what_was_acted_on(mode: str, kind: str) -> None:
    seeing = Seeing()
    stream: RolloutStream | ReplayStream
    if kind == "rollout":
        rollout = Rollout(num_steps=10, num_epochs=1, minibatch_size=10)
        stream = RolloutStream(walk(mode), actor=seeing, rollout=rollout, seed=0)
    else:
        replay = Replay(capacity=100, warmup=10, collect_steps=1, num_updates=1, batch_size=4, discount=0.9)
        stream = ReplayStream(walk(mode), explorer=seeing, replay=replay, seed=0)
    for _ in range(2):
        stream.next()
    # Where an episode led to is shown as the last of it, and nothing is done there: 3 after an end, 5 after a cut.
    states = [(int(episode), int(place)) for episode, place in torch.cat(seeing.seen).tolist()]
    whole = [(episode, place) for episode in range(4) for place in range(3 if episode % 2 == 0 else 5)]
    assert states == whole[: len(states)]
    assert len(states) >= 8
