"""One copy of a Gymnasium environment that can say how to come again to where it is: a random state, and the actions since.

Imported where the library is there.
"""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np

from tutelage.env.plain_state import pack_generator, restore_generator

__all__ = ["Recorded", "flat"]

MOST_ACTIONS = 100_000
"""Actions of one episode that are kept; a longer episode is not repeated, and a new one begins in its place."""


class Recorded(gymnasium.Wrapper):  # type: ignore[misc]
    """A copy that remembers the random state before its last reset, and the actions since."""

    def __init__(self, env: Any) -> None:
        """Wrap one copy; recording costs a list of actions."""
        super().__init__(env)
        self._before: dict[str, Any] = {}
        self._taken: list[Any] = []
        self._is_whole = True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode from a known random state."""
        if seed is not None:
            # The generator that this seed makes is what later resets go on with.
            self.env.reset(seed=seed, options=options)
        self._before = pack_generator(self.unwrapped.np_random)
        self._taken, self._is_whole = [], True
        observation, told = self.env.reset(options=options)
        return observation, told

    def step(self, action: Any) -> Any:
        """Act, and remember it."""
        self._is_whole = len(self._taken) < MOST_ACTIONS
        if self._is_whole:
            self._taken.append(action)
        return self.env.step(action)

    @property
    def is_whole(self) -> bool:
        """Whether all actions of this episode were kept."""
        return self._is_whole

    def recorded(self) -> dict[str, Any]:
        """Return the random state and the actions as JSON values."""
        return {"before": self._before, "actions": [np.asarray(action).tolist() for action in self._taken]}

    def repeat(self, recorded: Mapping[str, Any]) -> None:
        """Come to where `recorded` was told, by acting again."""
        if self.unwrapped._np_random is None:
            self.env.reset(seed=0)  # makes the generator that is set now
        restore_generator(self.unwrapped.np_random, recorded["before"])
        self.reset()
        for action in recorded["actions"]:
            self.step(np.asarray(action, dtype=self.action_space.dtype))


def flat(env: Any) -> Any:
    """Return an environment whose observations are boxes of numbers: tables, tuples and choices become one row of numbers."""
    is_box = isinstance(env.observation_space, gymnasium.spaces.Box)
    return env if is_box else gymnasium.wrappers.FlattenObservation(env)
