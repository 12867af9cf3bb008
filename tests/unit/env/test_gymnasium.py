"""What an environment shows and takes, whether it can be put back, and what is said where it cannot."""

import random
from typing import Any

import numpy as np
import pytest
import torch

gymnasium = pytest.importorskip("gymnasium")
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete  # noqa: E402 - an extra

from tutelage.core.spaces import is_lone_picture, lacks, seen_in, taken_by  # noqa: E402 - needs the extra
from tutelage.data.source.gym import Gym  # noqa: E402 - needs the extra
from tutelage.env.gymnasium import Gymnasium, GymnasiumVector, make_vector  # noqa: E402 - needs the extra


def pixels(*sizes: int) -> Any:
    return Box(0, 255, sizes, np.uint8)


@pytest.mark.parametrize(
    ("space", "sizes", "are_pixels"),
    [
        (Box(-1, 1, (4,), np.float32), (4,), False),
        (Box(-1, 1, (3, 5), np.float32), (3, 5), False),
        (pixels(84, 84), (1, 84, 84), True),
        (pixels(96, 80, 3), (3, 96, 80), True),
        (pixels(4, 84, 84), (4, 84, 84), True),
        (pixels(4, 84, 80, 3), (12, 84, 80), True),
        (pixels(4, 3, 84, 80), (12, 84, 80), True),
        (pixels(6), (6,), False),
        (Discrete(7), (7,), False),
        (Dict({"place": Discrete(3), "speed": Box(-1, 1, (2,), np.float32)}), (5,), False),
    ],
)
def test_observations_are_seen_as_numbers_or_as_pixels(space: Any, sizes: tuple[int, ...], are_pixels: bool) -> None:
    seen = seen_in(space)
    assert (seen.sizes, seen.are_pixels) == (sizes, are_pixels)


def test_actions_are_choices_or_numbers_and_others_are_refused_with_what_to_do() -> None:
    assert taken_by(Discrete(3)).num_choices == 3
    assert taken_by(Box(-2, 2, (2,), np.float32)).high == (2.0, 2.0)
    assert lacks(Box(-1, 1, (4,), np.float32), Discrete(2)) == []
    for space in (MultiDiscrete([2, 3]), Box(-np.inf, np.inf, (1,), np.float32)):
        ((found, remedy),) = lacks(Box(-1, 1, (4,), np.float32), space)
        assert "actions are" in found
        assert "gymnasium.wrappers." in remedy


class Picture(gymnasium.Env):  # type: ignore[misc]
    """Shows a picture in color whose red is the step."""

    observation_space = pixels(12, 10, 3)
    action_space = Box(-1.0, 3.0, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin."""
        super().reset(seed=seed)
        self.place = 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Return the sum of the action's numbers as reward."""
        self.place += 1
        return self._seen(), float(action.sum()), self.place == 9, False, {}

    def _seen(self) -> np.ndarray:
        picture = np.zeros((12, 10, 3), dtype=np.uint8)
        picture[..., 0] = self.place
        return picture


def test_pixels_stay_bytes_with_channels_first_and_numbers_of_an_action_arrive_as_they_are() -> None:
    env = Gymnasium(name="", num_envs=2).build(make=Picture)
    env.reset(torch.Generator())
    moved = env.step(torch.tensor([[1.0, 0.5], [3.0, -1.0]]))
    assert moved.reward.tolist() == [1.5, 2.0]
    assert moved.observation.dtype == torch.uint8
    assert moved.observation.shape == (2, 3, 12, 10)
    assert moved.observation[0, :, 0, 0].tolist() == [1, 0, 0]


def test_pictures_are_seen_together_and_put_back_together() -> None:
    settings, reason = Gymnasium.find_snapshot({"name": "", "settings": {}, "frames": 3}, Picture)
    assert (settings["snapshot"], reason) == ("plain", "")
    env = Gymnasium(name="", num_envs=2, frames=3).build(make=Picture)
    assert env.observation_sizes == (9, 12, 10)
    env.reset(torch.Generator())
    for _ in range(2):
        moved = env.step(torch.zeros(2, 2))
    reds = [0, 3, 6]
    assert moved.observation[0, reds, 0, 0].tolist() == [0, 1, 2], "the newest one is the last"
    for _ in range(7):
        moved = env.step(torch.zeros(2, 2))
    assert moved.terminated.all()
    assert moved.final_observation[0, reds, 0, 0].tolist() == [7, 8, 9]
    assert moved.observation[0, reds, 0, 0].tolist() == [0, 0, 0], "no picture of the episode before"


@pytest.mark.parametrize(
    ("space", "is_lone"), [(pixels(84, 84), True), (pixels(9, 9, 3), True), (pixels(4, 84, 84), False), (pixels(2), False)]
)
def test_one_picture_alone_is_told_from_pictures_that_are_stacked(space: Any, is_lone: bool) -> None:
    assert is_lone_picture(space) == is_lone


def test_an_agent_sees_four_pictures_where_the_environment_shows_one() -> None:
    assert Gym(path="own").of_value(Picture).train.observation_sizes == (12, 12, 10)
    assert Gym(path="own", frames=1).of_value(Picture).train.observation_sizes == (3, 12, 10)


class World:
    """Something that cannot be written down."""

    def __init__(self) -> None:
        self.place = 0.0


class Physics(Picture):
    """Holds a world of its own; its reward depends on the episode's past."""

    observation_space = Box(-1e3, 1e3, (1,), np.float32)

    def __init__(self) -> None:
        self.world = World()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin somewhere."""
        gymnasium.Env.reset(self, seed=seed)
        self.world = World()
        self.world.place = float(self.np_random.uniform())
        return np.array([self.world.place], dtype=np.float32), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move on by chance."""
        self.world.place += self.chance()
        return np.array([self.world.place], dtype=np.float32), 1.0, self.world.place > 5, False, {}

    def chance(self) -> float:
        """Return how far."""
        return float(self.np_random.uniform())


SOURCE = random.SystemRandom()


class Wild(Physics):
    """Takes chance from where nobody can repeat it."""

    def chance(self) -> float:
        """Return how far."""
        return SOURCE.random()


@pytest.mark.parametrize(("kind", "way"), [(Picture, "plain"), (Physics, "replay"), (Wild, "none")])
def test_how_an_environment_can_be_put_back_is_found_out_by_trying(kind: type[Any], way: str) -> None:
    settings, reason = Gymnasium.find_snapshot({"name": "", "settings": {}}, kind)
    assert settings["snapshot"] == way
    assert bool(reason) == (way == "none")


def test_one_that_cannot_be_put_back_begins_new_episodes() -> None:
    env = GymnasiumVector(make_vector("", 2, make=Wild), snapshot="none")
    env.reset(torch.Generator())
    early = env.state()
    env.step(torch.zeros(2, 2))
    late = env.state()
    np.random.seed(1)
    begun = env.restore(early)
    assert begun is not None
    assert begun.shape == (2, 1)
    np.random.seed(2)
    again, other = env.restore(early), env.restore(late)
    assert again is not None
    assert other is not None
    assert torch.equal(begun, again), "what begins is decided by the state alone"
    assert not torch.equal(begun, other), "and is not the same wherever training was cut"


def test_an_episode_too_long_to_be_repeated_is_not_put_back_halfway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutelage.env.recorded.MOST_ACTIONS", 3)
    env = GymnasiumVector(make_vector("", 1, make=Physics, is_recorded=True), snapshot="replay")
    again = GymnasiumVector(make_vector("", 1, make=Physics, is_recorded=True), snapshot="replay")
    first = env.reset(torch.Generator())
    for number in range(4):
        begun = again.restore(env.state())
        assert begun is None, number
        moved = env.step(torch.zeros(1, 2))
        assert torch.equal(moved.observation, again.step(torch.zeros(1, 2)).observation)
    begun = again.restore(env.state())
    assert begun is not None, "a new episode: repeating three of four actions would lead elsewhere"
    assert not torch.equal(begun, moved.observation)
    assert not torch.equal(begun, first)


class Narrow(gymnasium.Env):  # type: ignore[misc]
    """Asserts that actions lie within bounds that float32 rounds away from them, and keeps a name where wrappers keep an
    environment."""

    observation_space = Box(-1e3, 1e3, (1,), np.float64)
    action_space = Box(np.array([[-0.7, 0.2]]), np.array([[0.1, 0.3]]), dtype=np.float64)

    def __init__(self) -> None:
        self.env = "narrow"
        self.place = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin."""
        super().reset(seed=seed)
        self.place = 0.0
        return np.array([self.place]), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move."""
        assert self.action_space.contains(action), action
        self.place += float(action.sum())
        return np.array([self.place]), 1.0, self.place > 20, False, {}


@pytest.mark.parametrize("end", [-1.0, 1.0])
def test_actions_never_leave_bounds_that_float32_cannot_hold(end: float) -> None:
    env = GymnasiumVector(make_vector("", 2, make=Narrow))
    env.reset(torch.Generator())
    moved = env.step(env.actions.from_unit(torch.full((2, 2), end)))
    assert moved.observation.flatten().tolist() == pytest.approx([0.4, 0.4] if end > 0 else [-0.5, -0.5])


def test_an_own_environment_may_have_an_attribute_called_env() -> None:
    assert Gymnasium.find_snapshot({"name": "", "settings": {}}, Narrow) == (
        {"name": "", "settings": {}, "snapshot": "plain"},
        "",
    )
