"""Whether an environment shows what it says that it shows: numbers within the bounds of its observation space.

A policy learns from what is shown, whatever was declared. But who relies on the declared bounds, such as a wrapper that scales
by them, is misled, and often it is the environment that is wrong: so it is told, once, and nothing is changed.

Shapes: N = copies, O = sizes of one observation.
"""

import numpy as np
from torch import Tensor

from tutelage.env.base import Environment, Transition

__all__ = ["Extent"]

TOLERANCE = 1e-5
"""Of a bound: what float32 rounds away."""


class Extent:
    """The least and the largest of each number that an environment has shown since this was made."""

    def __init__(self, env: Environment) -> None:
        """Begin with nothing seen; pixels, and numbers without bounds, are not followed."""
        self._name, self._bounds = env.name, env.bounds
        self._least_NO = np.empty(0, dtype=np.float32)
        self._most_NO = np.empty(0, dtype=np.float32)

    def begin(self, observation_NO: Tensor) -> None:
        """Look at first observations."""
        self._look(observation_NO)

    def look(self, moved: Transition) -> None:
        """Look at what a step has led to."""
        self._look(moved.final_observation)
        if moved.observation is not moved.final_observation:
            self._look(moved.observation)

    def told(self) -> str:
        """Say which number lies farthest outside, how far, and what to do; "" where all lie within."""
        if self._bounds is None or not len(self._least_NO):
            return ""
        low_O, high_O = (side.double().numpy().ravel() for side in self._bounds)
        least_O, most_O = (self._flat(self._least_NO).min(axis=0), self._flat(self._most_NO).max(axis=0))
        below_O, above_O = low_O - least_O, most_O - high_O
        slack_O = TOLERANCE * np.maximum(1.0, np.maximum(_finite(low_O), _finite(high_O)))
        is_out_O = np.maximum(below_O, above_O) > slack_O
        if not is_out_O.any():
            return ""
        number = int(np.where(is_out_O, np.maximum(below_O, above_O), -np.inf).argmax())
        reached = least_O[number] if below_O[number] > above_O[number] else most_O[number]
        which = f"{int(is_out_O.sum())} of {len(is_out_O)} numbers of an observation leave"
        return (
            f"{self._name}: {which} the observation_space: number {number} reached {reached:g}, and the space says "
            f"{low_O[number]:g} to {high_O[number]:g}. Training goes by what is shown. Mend the bounds of the space, or the "
            "observation; gymnasium.utils.env_checker.check_env(env) tells more."
        )

    def _look(self, observation_NO: Tensor) -> None:
        """Let least and largest follow."""
        if self._bounds is None:
            return
        shown = observation_NO.cpu().numpy()
        if not len(self._least_NO):
            self._least_NO, self._most_NO = shown.copy(), shown.copy()
            return
        np.minimum(self._least_NO, shown, out=self._least_NO)
        np.maximum(self._most_NO, shown, out=self._most_NO)

    @staticmethod
    def _flat(numbers_NO: np.ndarray) -> np.ndarray:
        """Return float64 [N, numbers]."""
        return numbers_NO.reshape(len(numbers_NO), -1).astype(np.float64)


def _finite(bound_O: np.ndarray) -> np.ndarray:
    """Return how large bounds are; 0 where there is none."""
    return np.where(np.isfinite(bound_O), np.abs(bound_O), 0.0)
