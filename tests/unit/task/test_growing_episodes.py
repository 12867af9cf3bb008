"""Evaluations get longer with the episodes of an agent that learns: no longer than the environment lets them be."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tutelage.planning.recipe import recipe_from
from tutelage.run.foresee import EPISODES_GROW, _growth
from tutelage.run.start import Request, plan_training

gymnasium = pytest.importorskip("gymnasium")
SMALL: dict[str, Any] = {"batch_size": 16, "task": {"kind": "ppo", "num_envs": 2, "num_steps": 16}}


class Ending(gymnasium.Env):  # type: ignore[misc]
    """Ends after 20 steps."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin."""
        super().reset(seed=seed)
        self.place = 0
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Count."""
        self.place += 1
        return np.zeros(2, np.float32), 1.0, self.place >= 20, False, {}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    gymnasium.register("Ending-v0", entry_point=Ending)
    yield
    del gymnasium.registry["Ending-v0"]


@pytest.mark.parametrize(("limit", "growth"), [(10, 1.0), (20, 1.0), (30, 1.5), (0, EPISODES_GROW)])
def test_evaluations_are_expected_to_grow_up_to_the_time_limit(limit: int, growth: float) -> None:
    settings = {"max_episode_steps": limit} if limit else {}
    source = {"kind": "gym", "path": "gym:Ending-v0", "settings": settings}
    plan, gathered, _ = plan_training(Request(recipe_from({"source": source, **SMALL}, where="test")))
    problem = plan.task.build(plan, gathered.data)
    composed: Any = SimpleNamespace(problem=problem)
    assert _growth(composed) == EPISODES_GROW, "nothing was played yet"
    problem.validation.guess()
    # Without a limit of its own an evaluation is given up after 2,500 steps of each of its 20 episodes.
    assert _growth(composed) == growth
    problem.close()
