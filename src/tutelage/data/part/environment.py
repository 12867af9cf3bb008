"""An environment that an agent acts in: what to make, not the thing itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tutelage.data.part.base import Part

__all__ = ["EnvironmentPart"]


@dataclass(frozen=True)
class EnvironmentPart(Part):
    """The settings of an environment.

    Attributes:
        name: `train`.
        env: Settings of an environment component, its `kind` included.
        observation_sizes: Shape of one observation.
        num_actions: Actions are whole numbers from 0 to this minus 1.
        fingerprint: Hash of the settings and of the version of the library that makes it.
    """

    kind: ClassVar[str] = "environment"

    name: str
    env: Mapping[str, Any]
    observation_sizes: tuple[int, ...]
    num_actions: int
    fingerprint: str

    def summary(self, examples: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        """Return the environment's settings, and what it shows and takes."""
        settings = {key: value for key, value in self.env.items() if key != "kind"}
        shown = " x ".join(str(size) for size in self.observation_sizes) or "1"
        return {"facts": {**settings, "numbers in an observation": shown, "actions": self.num_actions}}
