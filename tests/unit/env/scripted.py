"""An environment whose episodes are known beforehand: for Gymnasium's vector environments in each of their autoreset modes."""

from typing import Any

import gymnasium
import numpy as np

__all__ = ["Walk"]


class Walk(gymnasium.Env):  # type: ignore[misc]
    """Counts up; the reward of a step is 1 plus the action times 10; episodes end after 3 steps, or are cut after 5, in turn.

    The observation is [episode, step]. Its end is an end in even episodes, and a cut in odd ones.
    """

    observation_space = gymnasium.spaces.Box(-1.0, 1e6, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self) -> None:
        self.episode = -1
        self.place = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin the next episode."""
        super().reset(seed=seed)
        self.episode, self.place = (0 if seed is not None else self.episode + 1), 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Count up."""
        self.place += 1
        is_even = self.episode % 2 == 0
        return self._seen(), 1.0 + 10.0 * int(action), is_even and self.place == 3, not is_even and self.place == 5, {}

    def _seen(self) -> np.ndarray:
        return np.array([self.episode, self.place], dtype=np.float32)
