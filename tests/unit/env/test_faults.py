"""Environments that give what is not finite, or break, are named with copy, step and remedy, whoever acts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

gymnasium = pytest.importorskip("gymnasium")
from gymnasium.spaces import Box, Discrete  # noqa: E402 - an extra

import tutelage  # noqa: E402 - after the extra
from tutelage.core.errors import FaultyEnvironmentError  # noqa: E402 - after the extra
from tutelage.env.gymnasium import Gymnasium  # noqa: E402 - after the extra
from tutelage.env.watch import Watch  # noqa: E402 - after the extra
from tutelage.task.episodes import play_episodes  # noqa: E402 - after the extra

SMALL = {"batch_size": 16, "task": {"num_envs": 2, "num_steps": 16}}


class Sound(gymnasium.Env):  # type: ignore[misc]
    """Shows its step in episodes of 20."""

    observation_space = Box(-1.0, 1e6, (2,), np.float32)
    action_space = Discrete(2)
    length = 20

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin."""
        super().reset(seed=seed)
        self.place = 0
        return self.seen(), {}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Count."""
        self.place += 1
        return self.seen(), self.reward(), self.place >= self.length, False, {}

    def seen(self) -> Any:
        """Return what is shown."""
        return np.full(2, self.place, np.float32)

    def reward(self) -> Any:
        """Return 1."""
        return 1.0


class LateNan(Sound):
    """Shows NaN at step 7, as many do whose simulation fails."""

    def seen(self) -> Any:
        """Return NaN once."""
        return np.full(2, np.nan if self.place == 7 else self.place, np.float32)


class FirstNan(Sound):
    """Begins with NaN."""

    def seen(self) -> Any:
        """Return NaN at the beginning."""
        return np.full(2, self.place or np.nan, np.float32)


class NanReward(Sound):
    """Rewards with infinity at step 5."""

    def reward(self) -> Any:
        """Return infinity once."""
        return float("inf") if self.place == 5 else 1.0


class Raises(Sound):
    """Fails at step 6."""

    def reward(self) -> Any:
        """Fail."""
        if self.place == 6:
            raise OSError("motor broke")
        return 1.0


class Grows(Sound):
    """Shows more numbers from step 9 on."""

    def seen(self) -> Any:
        """Return another shape."""
        return np.zeros(2 if self.place < 9 else 5, np.float32)


class Praises(Sound):
    """Rewards with a word from step 4 on."""

    def reward(self) -> Any:
        """Return a word."""
        return "good" if self.place >= 4 else 1.0


FAULTS = [
    (LateNan, r"LateNan: copy 0 .* observation that is not finite .* at step 7 since its reset.*mend its step\(\)"),
    (FirstNan, r"FirstNan: copy 0 .* observation that is not finite .* at its reset.*mend its reset\(\)"),
    (NanReward, r"NanReward: copy 0 .* reward that is not finite .* at step 5 since its reset"),
    (Raises, r"Raises: copy 0 .* failed at step 6 since its reset \(OSError: motor broke in line \d+ of .*Mend its step"),
    (Grows, r"Grows: the environment failed at step 9 since its reset .*observation_space, Box.*check_env"),
    (Praises, r"Praises: copy 0 .* failed at step 4 since its reset .*'good'.*a number as reward"),
]


@pytest.mark.parametrize(("made", "said"), FAULTS)
def test_an_evaluation_names_environment_copy_step_and_remedy(made: Any, said: str) -> None:
    env = Gymnasium(name="", num_envs=2).build(make=made)
    with pytest.raises(FaultyEnvironmentError, match=said) as caught:
        play_episodes(env, lambda seen: torch.zeros(len(seen), dtype=torch.int64), torch.Generator())
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("task", ["ppo", "dqn"])
@pytest.mark.parametrize("made", [LateNan, NanReward, Raises])
def test_a_training_whose_environment_breaks_later_ends_with_the_place(
    task: str, made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As of an environment that is sound for as long as it is tried before training.
    monkeypatch.setattr("tutelage.env.gymnasium.find_way", lambda ways, build, tell: ("none", "untried"))
    monkeypatch.setattr("tutelage.data.source.gym._checked", lambda gymnasium, env, name: ())
    sizes = SMALL if task == "ppo" else {"batch_size": 16, "task": {"kind": "dqn", "warmup": 20}}
    with pytest.raises(FaultyEnvironmentError, match=rf"{made.__name__}: copy 0 .* at step [567] since its reset"):
        tutelage.train(env=made, steps=3, out=tmp_path / "run", quiet=True, **sizes)


def test_what_is_not_finite_is_named_before_anything_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutelage.data.source.gym._checked", lambda gymnasium, env, name: ())
    with pytest.raises(FaultyEnvironmentError, match="at step 7 since its reset"):
        tutelage.train(env=LateNan, steps=3, out=tmp_path / "run", quiet=True, **SMALL)
    assert not (tmp_path / "run").exists()


def test_steps_are_counted_over_rollouts_and_from_each_reset() -> None:
    env = Gymnasium(name="", num_envs=2).build(make=Sound)
    watch = Watch(env)
    zeros = torch.zeros(4, 2)
    steps = {"action": zeros, "reward": zeros, "terminated": zeros.bool(), "truncated": zeros.bool()}
    steps |= {"observation": torch.zeros(4, 2, 3), "final": torch.zeros(4, 2, 3)}
    ended = zeros.bool()
    ended[2, 1] = True
    watch.look_at_all(steps | {"terminated": ended}, torch.zeros(2, 3))
    watch.look_at_all(steps, torch.zeros(2, 3))
    assert watch.state() == [8, 5]
    bad = torch.zeros(4, 2)
    bad[1, 1] = float("nan")
    with pytest.raises(FaultyEnvironmentError, match=r"copy 1 .* reward .* at step 7 since its reset"):
        watch.look_at_all(steps | {"reward": bad}, torch.zeros(2, 3))
    # A policy that has diverged is not the environment's fault; training names that.
    watch.look_at_all(steps | {"reward": bad, "action": bad}, torch.zeros(2, 3))
