"""An environment of Gymnasium, gym:ID or gym:MODULE:ID, where MODULE registers it, or a class from Python: for agents.

Needs the extra `rl`. Observations are boxes of numbers or pixels, or flatten to such; actions one of a few, or numbers
between bounds. Of an environment that shows one picture at a time, an agent sees the last four: in one, nothing moves.

Source: Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015 (four pictures).
Differs from the paper: pictures keep their size and their colors.
"""

import hashlib
import importlib
import json
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tutelage.core.catalog import suggest
from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.core.spaces import is_lone_picture, lacks, seen_in, stacked, taken_by
from tutelage.data.part.environment import EnvironmentPart
from tutelage.data.source.base import Collected, Source

__all__ = ["Gym"]

PREFIX = "gym:"
OWN = "own environment"
FRAMES = 4
"""Pictures that an agent sees together, where the environment shows one."""


class Gym(Source):
    """A Gymnasium environment."""

    kind: Literal["gym"] = "gym"
    has_targets: ClassVar[bool] = False
    settings: dict[str, Any] = Field(default_factory=dict, description="Arguments that the environment is made with.")
    frames: Literal["auto"] | Annotated[int, Field(ge=1, le=64)] = Field(
        "auto", description="Last observations that are seen together; auto = 4 where it shows one picture, else 1."
    )

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether it is a name such as `gym:CartPole-v1`."""
        return path.startswith(PREFIX)

    @classmethod
    def takes(cls, value: object) -> bool:
        """Tell whether a value from Python makes environments: a class, or anything that can be called without arguments."""
        return callable(value)

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
        module, _, name = name.rpartition(":")
        if module:
            _import_own(module, where=self.path)
        env = _make(gymnasium, name, self.settings)
        settings = {"name": name, "settings": self.settings}
        return _collected(gymnasium, env, name=name, settings=settings, frames=self.frames, where=self.path)

    def of_value(self, value: Any) -> Collected:
        """Make an environment of the user's own, and check it as Gymnasium does.

        Raises:
            UsageError: It cannot be made, or is no environment of Gymnasium.
            DataError: It does not do what such an environment has to.
        """
        gymnasium = _import_gymnasium()
        name = str(getattr(value, "__name__", type(value).__name__)).strip("<>")
        try:
            env = value()
        except Exception as error:  # the user's own code
            raise UsageError(f"env={name}: calling it without arguments fails ({error}). Give a class or a function.") from error
        if not isinstance(env, gymnasium.Env):
            raise UsageError(f"env={name}: returns a {type(env).__name__}. Expected a gymnasium.Env.")
        told = _checked(gymnasium, env, name)
        settings = {"name": "", "settings": {}}
        return _collected(gymnasium, value(), name=name, settings=settings, frames=self.frames, where=OWN, make=value, told=told)


def _collected(
    gymnasium: Any,
    env: Any,
    *,
    name: str,
    settings: dict[str, Any],
    frames: Literal["auto"] | int,
    where: str,
    make: Callable[[], Any] | None = None,
    told: tuple[str, ...] = (),
) -> Collected:
    """Look at one environment, and close it."""
    observed, taken = env.observation_space, env.action_space
    env.close()
    problems = [DataProblem(where, found, remedy) for found, remedy in lacks(observed, taken)]
    if problems:
        raise DataError(problems)
    frames = frames if frames != "auto" else FRAMES if is_lone_picture(observed) else 1
    env_settings = {"kind": "gymnasium", **settings, **({"frames": frames} if frames > 1 else {})}
    hashed = {**env_settings, "version": gymnasium.__version__, "own": name if make else ""}
    seen, actions = seen_in(stacked(observed, frames)), taken_by(taken)
    part = EnvironmentPart(
        name="train",
        env=env_settings,
        observation_sizes=seen.sizes,
        fingerprint=hashlib.sha256(json.dumps(hashed, sort_keys=True, default=str).encode()).hexdigest(),
        has_pixels=seen.are_pixels,
        num_choices=actions.num_choices,
        low=actions.low,
        high=actions.high,
        make=make,
    )
    return Collected(name=name.lower().replace("/", "-"), train=part, warnings=told)


def _checked(gymnasium: Any, env: Any, name: str) -> tuple[str, ...]:
    """Check an own environment as Gymnasium does, and return what it warns of.

    Raises:
        DataError: What is wrong with it.
    """
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            check_env(env, skip_render_check=True, skip_close_check=True)
        except Exception as error:  # a border: the checker asserts, and the user's own code may raise anything
            found = f"gymnasium's check_env refuses it: {str(error).strip() or type(error).__name__}"
            raise DataError([DataProblem(f"env={name}", found, "Mend the environment.")]) from error
        finally:
            env.close()
    told = [re.sub(r"(?:\x1b\[\d*m|\s)+", " ", str(each.message)).strip().removeprefix("WARN: ") for each in caught]
    return tuple(dict.fromkeys(f"{name}: {text}" for text in told))


def _import_gymnasium() -> Any:
    """Import the library, or say how to install it."""
    try:
        import gymnasium
    except ImportError as error:
        raise UsageError("gym: needs Gymnasium. Install it: pip install 'tutelage[rl]'.") from error
    return gymnasium


def _import_own(module: str, *, where: str) -> None:
    """Import a module that registers environments, as Gymnasium does for such names; first from the working directory.

    Raises:
        UsageError: There is none, or it fails.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        # It stays there: what is registered may name its class as text, which is imported when it is made.
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        importlib.import_module(module)
    except Exception as error:  # the user's own code
        found = f"{where}: importing {module!r} fails ({type(error).__name__}: {error})"
        remedy = f"Expected a Python module in {here}, or an installed one, that registers environments (gymnasium.register)."
        raise UsageError(f"{found}. {remedy}") from error


def _make(gymnasium: Any, name: str, settings: dict[str, Any]) -> Any:
    """Make an environment, or say why not."""
    known = sorted(gymnasium.registry)
    if name not in known:
        own = f"One of your own: {PREFIX}MODULE:{name}, where MODULE registers it." if ":" not in name else ""
        raise UsageError(f"{PREFIX}{name}: Gymnasium knows no such environment{suggest(name, known)} {own}".rstrip())
    try:
        return gymnasium.make(name, **settings)
    except Exception as error:  # environments fail in every way where a library of theirs is missing
        raise UsageError(f"{PREFIX}{name}: cannot be made ({error}).") from error
