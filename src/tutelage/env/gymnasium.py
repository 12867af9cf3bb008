"""Environments of the Gymnasium library, through its vector environments, whatever their way of beginning new episodes.

An environment that has a vectorized form of its own (`vector_entry_point`) is stepped as a whole; of any other, copies are
stepped in a row. Each of the three autoreset modes becomes one meaning: see `Transition`.

Resuming: the state of a copy is read from the attributes of its objects where these are plain; else the random state before its
last reset and the actions since are kept, and it is put back by acting again; where neither gives the same episode again, new
episodes begin, and the run says so. Which of them holds is found out by trying, once (`env/trial.py`).

Shapes: N = copies, O = sizes of one observation.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.errors import DivergedError, TutelageError
from tutelage.core.seeds import derive
from tutelage.core.spaces import Seen, seen_in, taken_by
from tutelage.env.actions import Actions
from tutelage.env.base import Env, Environment, Transition
from tutelage.env.faults import broken
from tutelage.env.plain_state import plain_state, restore_plain
from tutelage.env.trial import find_way

__all__ = ["Gymnasium", "GymnasiumVector", "Snapshot", "make_vector"]

Snapshot = Literal["plain", "replay", "none"]
SMALLER_RATE = "Train anew, with a smaller learning rate: --set optim.lr=..."


class Gymnasium(Env):
    """An environment by its name."""

    kind: Literal["gymnasium"] = "gymnasium"
    name: str = Field("CartPole-v1", description="Gymnasium's name of the environment; empty for an own one, from Python.")
    snapshot: Snapshot = Field("plain", description="How a copy's state is saved: as it is, as actions to repeat, or not at all.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Arguments that the environment is made with.")
    frames: int = Field(1, ge=1, le=64, description="Last observations that are shown together, such as 4 pictures.")

    def build(self, *, device: torch.device | str = "cpu", make: Callable[[], Any] | None = None) -> Environment:
        """Make the copies; they wait for `reset` or `restore`."""
        is_recorded = self.snapshot == "replay"
        vector = make_vector(
            self.name, self.num_envs, settings=self.settings, make=make, is_recorded=is_recorded, frames=self.frames
        )
        return GymnasiumVector(vector, name=_said(self.name, make), snapshot=self.snapshot, device=device)

    @staticmethod
    def find_snapshot(
        settings: Mapping[str, Any], make: Callable[[], Any] | None, tell: Callable[[str], None] = lambda text: None
    ) -> tuple[dict[str, Any], str]:
        """Return settings with the way in which an environment can be saved, and, where it cannot, why not."""
        name, frames = str(settings["name"]), int(settings.get("frames", 1))

        def build(way: str) -> Environment:
            kept: Snapshot = "replay" if way == "replay" else "plain"
            own = settings.get("settings")
            vector = make_vector(name, 2, settings=own, make=make, is_recorded=way == "replay", frames=frames)
            return GymnasiumVector(vector, name=_said(name, make), snapshot=kept)

        # One that is vectorized by itself has no copies that could be repeated one by one.
        is_whole = make is None and frames == 1 and _has_own_vector(name)
        found, reason = find_way(("plain",) if is_whole else ("plain", "replay"), build, tell)
        return {**settings, "snapshot": found}, reason


class GymnasiumVector:
    """A vector environment, with tensors in place of arrays, and a state."""

    def __init__(self, vector: Any, *, name: str = "", snapshot: Snapshot = "plain", device: torch.device | str = "cpu") -> None:
        """Take the vector environment over; it is closed with this one."""
        from gymnasium.vector import AutoresetMode

        self._vector = vector
        self.name = name or type(vector.unwrapped).__name__
        self._device = torch.device(device)
        self._mode = AutoresetMode(vector.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP))
        self._modes = AutoresetMode
        self._snapshot = snapshot
        self._seen: Seen = seen_in(vector.single_observation_space)
        self.num_envs = int(vector.num_envs)
        self.time_limit = int(getattr(vector.spec or getattr(vector, "envs", [vector])[0].spec, "max_episode_steps", None) or 0)
        self.observation_sizes = self._seen.sizes
        self.bounds = None if self._seen.are_pixels else _bounds(vector.single_observation_space)
        taken = taken_by(vector.single_action_space)
        self.actions = Actions(taken.num_choices, taken.low, taken.high)
        self._first_action = int(getattr(vector.single_action_space, "start", 0))
        sides = None if taken.num_choices else (vector.single_action_space.low, vector.single_action_space.high)
        self._bounds = None if sides is None else tuple(side.reshape(-1) for side in sides)
        self._action_type = vector.single_action_space.dtype
        # Actions are made to fit their space; to look at each again is a fourth of the price of a small environment's step.
        vector.action_space.contains = _anything
        self._action_shape = (self.num_envs, *vector.single_action_space.shape)
        self._copies: list[Any] = list(getattr(vector, "envs", [vector]))
        self._is_starting = np.zeros(self.num_envs, dtype=bool)
        self._fresh = [plain_state(copy) for copy in self._copies] if snapshot == "plain" else []
        self._is_open = True
        self._seed, self._num_steps = 0, 0  # of the last reset, and since
        self._ages = np.zeros(self.num_envs, dtype=np.int64)  # steps since the reset of each copy

    def reset(self, generator: torch.Generator) -> Tensor:
        """Begin new episodes and return observations [N, O]."""
        given = torch.Generator().set_state(generator.get_state())
        seeds = torch.randint(2**31, (self.num_envs,), generator=given).tolist()
        # A vectorized environment has one generator for all copies; a list would mean one for each.
        self._seed, self._num_steps = seeds[0], 0
        has_one = self._copies[0] is self._vector
        try:
            observation, _ = self._vector.reset(seed=seeds[0] if has_one else seeds)
        except (TutelageError, MemoryError):
            raise
        except Exception as error:  # a border: the user's own code
            raise broken(self._vector, error, name=self.name, ages=None) from error
        self._ages = np.zeros(self.num_envs, dtype=np.int64)
        self._is_starting = np.zeros(self.num_envs, dtype=bool)
        return self._tensor(observation)

    def step(self, action: Tensor) -> Transition:
        """Take one action in every copy."""
        self._num_steps += 1
        taken = action.cpu().numpy().astype(self._action_type)
        if self._first_action:
            taken += self._first_action
        if self._bounds is not None:
            # Bounds such as 0.1 are rounded up in float32, and an own environment may assert that it is within them.
            np.minimum(np.maximum(taken, self._bounds[0], out=taken), self._bounds[1], out=taken)
        try:
            shown, reward, terminated, truncated, told = self._vector.step(taken.reshape(self._action_shape))
        except (TutelageError, MemoryError):
            raise
        except Exception as error:  # a border: the user's own code
            if not np.isfinite(taken).all():
                raise DivergedError(f"{self.name}: the policy gave actions that are not finite. {SMALLER_RATE}") from error
            raise broken(self._vector, error, name=self.name, ages=self._ages) from error
        is_over = np.logical_or(terminated, truncated)
        has_ended = np.logical_or.reduce(is_over)
        self._ages += 1
        if has_ended:
            self._ages[is_over] = 0
        final, is_real = shown, None
        if self._mode == self._modes.NEXT_STEP:
            is_real, self._is_starting = ~self._is_starting, is_over
        elif has_ended:
            final = np.array(shown)
            if self._mode == self._modes.SAME_STEP:
                for number in np.flatnonzero(is_over):
                    final[number] = told["final_obs"][number]
            else:
                shown, _ = self._vector.reset(options={"reset_mask": is_over})
        observation = self._tensor(shown)
        return Transition(
            observation=observation,
            reward=self._placed(np.array(reward, dtype=np.float32)),
            terminated=self._placed(np.array(terminated, dtype=bool)),
            truncated=self._placed(np.array(truncated, dtype=bool)),
            final_observation=observation if final is shown else self._tensor(final),
            is_real=None if is_real is None else self._placed(is_real),
        )

    def state(self) -> dict[str, Any]:
        """Return the copies' states as JSON values."""
        state: dict[str, Any] = {"starting": self._is_starting.tolist(), "ages": self._ages.tolist()}
        if self._snapshot == "plain":
            # What is still as it was made need not be kept: tables of a small world are large.
            pairs = [zip(plain_state(copy), fresh, strict=True) for copy, fresh in zip(self._copies, self._fresh, strict=True)]
            return state | {"copies": [[_changed(now, before) for now, before in pair] for pair in pairs]}
        if self._snapshot == "replay" and all(copy.is_whole for copy in self._copies):
            return state | {"copies": [copy.recorded() for copy in self._copies]}
        # Of the new episodes that will begin instead: each place in the training has its own.
        return state | {"again": derive(self._seed, "again", self._num_steps)}

    def restore(self, state: Mapping[str, Any]) -> Tensor | None:
        """Go on from `state`; begin new episodes where nothing could be saved, and return what they show."""
        if "copies" not in state:
            return self.reset(torch.Generator().manual_seed(int(state["again"])))
        self._is_starting = np.array(state["starting"], dtype=bool)
        self._ages = np.array(state.get("ages", [0] * self.num_envs), dtype=np.int64)
        for number, (copy, saved) in enumerate(zip(self._copies, state["copies"], strict=True)):
            if self._snapshot == "plain":
                fresh = self._fresh[number]
                restore_plain(copy, [dict(before) | changes for before, changes in zip(fresh, saved, strict=True)])
            else:
                copy.repeat(saved)
        if hasattr(self._vector, "_autoreset_envs"):
            # The library's row of copies keeps for itself which of them ended.
            self._vector._autoreset_envs = self._is_starting.copy()
        return None

    def draw(self) -> np.ndarray | None:
        """Return a picture uint8 [H, W, 3] of the first copy; None where it cannot draw itself."""
        picture = self._copies[0].render()
        first = picture[0] if isinstance(picture, list | tuple) and len(picture) else picture
        return None if first is None else np.asarray(first)

    def close(self) -> None:
        """Close the copies, once."""
        if self._is_open:
            self._is_open = False
            self._vector.close()

    def _tensor(self, observation: np.ndarray) -> Tensor:
        """Return observations as a network takes them."""
        return self._placed(_shown(observation, self._seen))

    def _placed(self, own: np.ndarray) -> Tensor:
        """Return numbers, in memory of their own, where the agent is; to ask for a move that is none costs a microsecond."""
        tensor = torch.from_numpy(own)
        return tensor if self._device.type == "cpu" else tensor.to(self._device)


def _said(name: str, make: Callable[[], Any] | None) -> str:
    """Return what an environment is called in errors."""
    return name or str(getattr(make, "__name__", type(make).__name__)).strip("<>")


def _bounds(space: Any) -> tuple[Tensor, Tensor] | None:
    """Return the bounds of a box, float64 each; None for any other space, and where no number has one."""
    low, high = getattr(space, "low", None), getattr(space, "high", None)
    if low is None or high is None or not (np.isfinite(low).any() or np.isfinite(high).any()):
        return None
    return torch.from_numpy(np.asarray(low, dtype=np.float64)), torch.from_numpy(np.asarray(high, dtype=np.float64))


def _anything(_action: Any) -> bool:
    """Take every action for a fitting one."""
    return True


def _shown(observation: np.ndarray, seen: Seen) -> np.ndarray:
    """Return float32 [N, O], or uint8 for pixels, in memory of its own."""
    if not seen.are_pixels:
        return np.array(observation, dtype=np.float32, order="C").reshape(len(observation), *seen.sizes)
    if seen.layout == "HWC":
        observation = np.moveaxis(observation, -1, 1)
    elif seen.layout == "SHWC":
        observation = np.moveaxis(observation, -1, 2)
    return np.array(observation, dtype=np.uint8, order="C").reshape(len(observation), *seen.sizes)


def make_vector(
    name: str,
    num_envs: int,
    *,
    settings: Mapping[str, Any] | None = None,
    make: Callable[[], Any] | None = None,
    is_recorded: bool = False,
    mode: str = "",
    frames: int = 1,
) -> Any:
    """Return a vector environment of Gymnasium.

    Args:
        name: Its name; "" where `make` is given.
        num_envs: Copies.
        settings: Arguments that each copy is made with.
        make: Returns one copy of an environment of the user's own.
        is_recorded: Whether each copy has to remember its actions.
        mode: Autoreset mode of copies in a row, such as `NextStep`; "" for the one that wastes no step.
        frames: Last observations that are shown together.
    """
    import gymnasium
    from gymnasium.vector import AutoresetMode, SyncVectorEnv

    settings = dict(settings or {})
    is_vectorized = make is None and _has_own_vector(name) and not mode and frames == 1
    if is_vectorized:
        return gymnasium.make_vec(name, num_envs, vectorization_mode="vector_entry_point", **settings)
    from tutelage.env.recorded import Recorded, flat

    maker = make if make is not None else lambda: gymnasium.make(name, disable_env_checker=True, **settings)

    def copy() -> Any:
        env = flat(maker())
        env = gymnasium.wrappers.FrameStackObservation(env, frames) if frames > 1 else env
        return Recorded(env) if is_recorded else env

    return SyncVectorEnv(
        [copy] * num_envs,
        copy=False,
        autoreset_mode=AutoresetMode(mode) if mode else AutoresetMode.SAME_STEP,
    )


def _has_own_vector(name: str) -> bool:
    """Tell whether an environment is vectorized by itself, and needs no library beside NumPy for it."""
    import gymnasium

    entry = gymnasium.spec(name).vector_entry_point
    return entry is not None and not (isinstance(entry, str) and "jax" in entry.lower())


def _changed(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that are no longer as they were made."""
    return {key: value for key, value in now.items() if key not in before or before[key] != value}
