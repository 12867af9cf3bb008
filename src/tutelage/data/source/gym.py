"""An environment of Gymnasium, named gym:ID, such as gym:CartPole-v1: for reinforcement learning.

Needs the extra `rl`. Observations must be boxes of numbers, and actions one of a few (Discrete).
"""

import hashlib
import json
from typing import Any, ClassVar, Literal

from tutelage.core.catalog import suggest
from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.data.part.environment import EnvironmentPart
from tutelage.data.source.base import Collected, Source

__all__ = ["Gym"]

PREFIX = "gym:"


class Gym(Source):
    """A Gymnasium environment."""

    kind: Literal["gym"] = "gym"
    has_targets: ClassVar[bool] = False

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether it is a name such as `gym:CartPole-v1`."""
        return path.startswith(PREFIX)

    @classmethod
    def anywhere(cls, path: str) -> str:
        """Return the name itself: it is the same everywhere."""
        return path

    def collect(self) -> Collected:
        """Make the environment once, to see what it shows and takes."""
        if self.test:
            raise UsageError(f"{self.path} takes no --test: an agent is tested in environments of its own.")
        name = self.path.removeprefix(PREFIX)
        gymnasium = _import_gymnasium()
        env = _make(gymnasium, name)
        observed, taken = env.observation_space, env.action_space
        problems = []
        if not isinstance(observed, gymnasium.spaces.Box):
            problems.append(
                DataProblem(self.path, f"observations are {observed}", "Only boxes of numbers can be learned from yet.")
            )
        if not isinstance(taken, gymnasium.spaces.Discrete):
            problems.append(
                DataProblem(self.path, f"actions are {taken}", "Only one of a few actions (Discrete) can be learned yet.")
            )
        env.close()
        if problems:
            raise DataError(problems)
        settings = {"kind": "gymnasium", "name": name}
        told = json.dumps({**settings, "version": gymnasium.__version__}, sort_keys=True)
        part = EnvironmentPart(
            name="train",
            env=settings,
            observation_sizes=tuple(int(size) for size in observed.shape),
            num_actions=int(taken.n),
            fingerprint=hashlib.sha256(told.encode()).hexdigest(),
        )
        return Collected(name=name.lower().replace("/", "-"), train=part)


def _import_gymnasium() -> Any:
    """Import the library, or say how to install it."""
    try:
        import gymnasium
    except ImportError as error:
        raise UsageError("gym: needs Gymnasium. Install it: pip install 'tutelage[rl]'.") from error
    return gymnasium


def _make(gymnasium: Any, name: str) -> Any:
    """Make an environment, or say why not."""
    known = sorted(gymnasium.registry)
    if name not in known:
        raise UsageError(f"{PREFIX}{name}: Gymnasium knows no such environment{suggest(name, known)}")
    try:
        return gymnasium.make(name)
    except Exception as error:  # environments fail in every way where a library of theirs is missing
        raise UsageError(f"{PREFIX}{name}: cannot be made ({error}).") from error
