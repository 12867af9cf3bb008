"""Watches what environments give: an observation or a reward that is not finite ends a training, and its place is named.

A policy cannot learn from such numbers, and one that has seen them once may be lost. Whole rollouts are looked at at once, so
that watching costs nothing; only where something is found is its place looked for.

Shapes: T = steps, E = copies, O = observation.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from tutelage.core.errors import FaultyEnvironmentError
from tutelage.env.base import Environment, Transition

__all__ = ["Watch"]


class Watch:
    """Knows how many steps each copy has made since its reset, and refuses what is not finite."""

    def __init__(self, env: Environment) -> None:
        """Begin where all copies are reset."""
        self._name = env.name
        self._ages_E = np.zeros(env.num_envs, dtype=np.int64)

    def begin(self, observation_EO: Tensor) -> None:
        """Begin new episodes in all copies, with what they show.

        Raises:
            FaultyEnvironmentError: Some of it is not finite.
        """
        self._ages_E = np.zeros_like(self._ages_E)
        if not _all_finite(observation_EO):
            raise self._fault("an observation", copy=int((~_finite(observation_EO[None]))[0].nonzero()[0]), step=0)

    def look(self, moved: Transition, action: Tensor) -> None:
        """Look at one step of all copies; the same as `look_at_all` for one."""
        is_fine = _all_finite(moved.reward) and _all_finite(moved.final_observation)
        is_fine = is_fine and (moved.observation is moved.final_observation or _all_finite(moved.observation))
        if not is_fine and _all_finite(action):
            self._raise(moved.reward[None], moved.final_observation[None], moved.observation[None], _begins(moved)[None])
        self._ages_E += 1
        begins_E = _begins(moved).cpu().numpy()
        if np.logical_or.reduce(begins_E):
            self._ages_E[begins_E] = 0

    def look_at_all(self, steps: Mapping[str, Tensor], newest_EO: Tensor) -> None:
        """Look at a whole rollout.

        Args:
            steps: `action`, `reward`, `terminated`, `truncated` [T, E], `observation` and `final` [T, E, O];
                `weight` [T, E], if any.
            newest_EO: What is shown after the last step.

        Raises:
            FaultyEnvironmentError: An observation or a reward is not finite, and it was no such action that led there: that of
                a policy that has diverged is not the environment's fault.
        """
        begins_TE = steps["terminated"] | steps["truncated"]
        if "weight" in steps:
            begins_TE = begins_TE | (steps["weight"] == 0)
        seen = (steps["reward"], steps["final"], newest_EO, steps["observation"])
        if not all(_all_finite(numbers) for numbers in seen) and _all_finite(steps["action"]):
            shown = torch.cat([steps["observation"][1:], newest_EO[None]])
            self._raise(steps["reward"], steps["final"], shown, begins_TE)
        time_T1 = np.arange(len(begins_TE))[:, None]
        last_E = np.where(begins_TE.cpu().numpy(), time_T1, -1).max(axis=0)
        since_E = len(begins_TE) - 1 - last_E
        self._ages_E = np.where(last_E < 0, self._ages_E + since_E, since_E)

    def state(self) -> list[int]:
        """Return the steps of each copy since its reset."""
        ages: list[int] = self._ages_E.tolist()
        return ages

    def restore(self, state: list[int] | None) -> None:
        """Go on from `state`; None where new episodes have begun."""
        self._ages_E = np.zeros_like(self._ages_E) if state is None else np.array(state, dtype=np.int64)

    def _raise(self, reward_TE: Tensor, final_TEO: Tensor, shown_TEO: Tensor, begins_TE: Tensor) -> None:
        """Name the first place of what is not finite."""
        fine = {"a reward": _finite(reward_TE), "an observation": _finite(final_TEO), "a first observation": _finite(shown_TEO)}
        for time in range(len(reward_TE)):
            for what, fine_TE in fine.items():
                if not fine_TE[time].all():
                    copy = int((~fine_TE[time]).nonzero()[0])
                    begun = begins_TE[:time, copy].nonzero()
                    step = time - int(begun[-1]) if len(begun) else int(self._ages_E[copy]) + time + 1
                    raise self._fault(what, copy=copy, step=0 if "first" in what else step)
        raise self._fault("an observation", copy=0, step=0)  # what was shown before the first of these steps

    def _fault(self, what: str, *, copy: int, step: int) -> FaultyEnvironmentError:
        """Return the error that names what is not finite, where, and what to do."""
        where, maker = (f"step {step:,} since its reset", "step()") if step else ("its reset", "reset()")
        found = f"{self._name}: copy {copy} of the environment gives {what}"
        return FaultyEnvironmentError(
            f"{found} that is not finite (NaN or infinite, as float32) at {where}. No policy can learn from that: mend its "
            f"{maker}, or replace such numbers in a wrapper (gymnasium.{what.split()[-1].capitalize()}Wrapper)."
        )


def _begins(moved: Transition) -> Tensor:
    """Return which copies stand at the beginning of an episode after a step, bool [E]."""
    is_over = moved.terminated | moved.truncated
    return is_over if moved.is_real is None else is_over | ~moved.is_real


def _all_finite(numbers: Tensor) -> bool:
    """Tell whether all numbers are finite; pixels are."""
    if not numbers.is_floating_point():
        return True
    # A sum takes a fourth of the time, and on the host NumPy half of torch's; where it is not finite it may just have run over.
    if numbers.device.type == "cpu":
        with np.errstate(all="ignore"):
            total = float(np.add.reduce(numbers.numpy(), axis=None))
    else:
        total = float(numbers.sum())
    return math.isfinite(total) or bool(torch.isfinite(numbers).all())


def _finite(numbers_TE: Tensor) -> Tensor:
    """Return which copies' numbers are finite at which step, bool [T, E]."""
    found = torch.isfinite(numbers_TE)
    return found if found.dim() == 2 else found.flatten(2).all(dim=2)
