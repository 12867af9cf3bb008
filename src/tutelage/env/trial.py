"""Whether an environment can be saved and put back exactly: found out by trying, before anything is trained."""

import random
from collections.abc import Callable, Sequence

import numpy as np
import torch

from tutelage.env.base import Environment
from tutelage.env.extent import Extent
from tutelage.env.plain_state import NotPlainError
from tutelage.env.watch import Watch

__all__ = ["find_way"]

STEPS_BEFORE, STEPS_AFTER = 40, 120


def find_way(
    ways: Sequence[str], build: Callable[[str], Environment], tell: Callable[[str], None] = lambda text: None
) -> tuple[str, str]:
    """Return the first way of saving that gives the same episodes again, or `none`, and why not.

    Copies act; their state is saved and put into new copies; both act alike from there on, and must show the same.

    Args:
        ways: In the order in which they are tried.
        build: Makes copies that are saved in a way.
        tell: Takes what is odd about what they show.

    Raises:
        FaultyEnvironmentError: The environment breaks, or gives what is not finite.
    """
    reasons: list[str] = []
    notes: list[str] = []
    held = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        for way in ways:
            reason = _try(way, build, notes)
            if not reason:
                return way, ""
            reasons.append(reason)
    finally:
        random.setstate(held[0])
        np.random.set_state(held[1])
        torch.set_rng_state(held[2])
        for note in notes[:1]:
            tell(note)
    return "none", "; ".join(reasons)


def _try(way: str, build: Callable[[str], Environment], notes: list[str]) -> str:
    """Return why a way of saving does not give the same episodes again; "" where it does."""
    envs: list[Environment] = []
    try:
        envs.append(build(way))
        envs.append(build(way))
        extent = Extent(envs[0])
        reason = _compare(*envs, way=way, extent=extent)
        notes += filter(None, [extent.told()])
        return reason
    except NotPlainError as error:
        return f"its state cannot be written down ({error})"
    finally:
        for env in envs:
            env.close()


def _compare(first: Environment, second: Environment, *, way: str, extent: Extent) -> str:
    """Act, save, put back, act alike; return what differs."""
    generator = torch.Generator().manual_seed(0)
    # What is not finite would not even equal itself: it is named as what it is, before anything is trained.
    watch = Watch(first)
    shown = first.reset(torch.Generator().manual_seed(1))
    watch.begin(shown)
    extent.begin(shown)
    for _ in range(STEPS_BEFORE):
        action = first.actions.sample(first.num_envs, generator)
        moved = first.step(action)
        watch.look(moved, action)
        extent.look(moved)
    second.restore(first.state())
    for step in range(STEPS_AFTER):
        action = first.actions.sample(first.num_envs, generator)
        one, other = first.step(action), second.step(action)
        watch.look(one, action)
        extent.look(one)
        names = ("observation", "reward", "terminated", "truncated")
        if not all(torch.equal(getattr(one, key), getattr(other, key)) for key in names):
            how = "put back" if way == "plain" else "repeated from its random state and actions"
            return f"{how}, it goes on differently after {step} steps"
    return ""
