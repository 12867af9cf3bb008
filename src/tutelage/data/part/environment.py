"""An environment that an agent acts in: what to make, not the thing itself."""

from collections.abc import Callable, Mapping, Sequence
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
        observation_sizes: Shape of one observation; channels, height, width of pixels.
        has_pixels: Whether observations are pictures.
        num_choices: Actions are whole numbers from 0 to this minus 1; 0 where they are numbers between bounds.
        low: Smallest value of each number of an action.
        high: Largest value of each.
        fingerprint: Hash of the settings and of the version of the library that makes it.
        make: Returns one environment, where it is the user's own, from Python.
    """

    kind: ClassVar[str] = "environment"

    name: str
    env: Mapping[str, Any]
    observation_sizes: tuple[int, ...]
    fingerprint: str
    has_pixels: bool = False
    num_choices: int = 0
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    make: Callable[[], Any] | None = None

    def summary(self, examples: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        """Return the environment's settings, and what it shows and takes."""
        settings = {key: value for key, value in self.env.items() if key not in ("kind", "snapshot", "settings") and value}
        shown = " x ".join(str(size) for size in self.observation_sizes) or "1"
        taken = f"one of {self.num_choices}" if self.num_choices else _bounds(self.low, self.high)
        what = "pixels of an observation" if self.has_pixels else "numbers in an observation"
        return {"facts": {**settings, what: shown, "actions": taken}}


def _bounds(low: Sequence[float], high: Sequence[float]) -> str:
    """Say which numbers an action has."""
    spans = [f"{least:g} to {most:g}" for least, most in zip(low, high, strict=True)]
    return f"{len(spans)} numbers: {', '.join(spans[:4])}{', ...' * (len(spans) > 4)}" if len(spans) > 1 else spans[0]
