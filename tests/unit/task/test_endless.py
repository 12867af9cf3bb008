"""Episodes that never end: an evaluation gives them up after steps that are bounded in all, and says so once, with the remedy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tutelage
from tutelage.planning.recipe import recipe_from
from tutelage.run.start import Request, plan_training

gymnasium = pytest.importorskip("gymnasium")
SMALL: dict[str, Any] = {"batch_size": 16, "task": {"kind": "ppo", "num_envs": 2, "num_steps": 16}}


class Endless(gymnasium.Env):  # type: ignore[misc]
    """Goes on for ever."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin."""
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Cost 1."""
        return np.zeros(2, np.float32), -1.0, False, False, {}


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    gymnasium.register("Endless-v0", entry_point=Endless)
    monkeypatch.setattr("tutelage.task.episodes.MOST_STEPS_WATCHED", 200)
    monkeypatch.setattr("tutelage.task.episodes.MOST_STEPS", 300)
    yield
    del gymnasium.registry["Endless-v0"]


@pytest.mark.parametrize(("settings", "steps"), [({}, 10), ({"max_episode_steps": 30}, 30)])
def test_an_evaluation_is_bounded_in_all_but_for_the_environments_own_time_limit(settings: dict[str, int], steps: int) -> None:
    source = {"kind": "gym", "path": "gym:Endless-v0", "settings": settings}
    plan, gathered, _ = plan_training(Request(recipe_from({"source": source, **SMALL}, where="test")))
    problem = plan.task.build(plan, gathered.data)
    assert problem.validation(problem.task) == {"val/return": -steps}
    told = [event.message for event in problem.validation.events(problem.task, step=1)]  # type: ignore[attr-defined]
    assert bool(told) is not bool(settings)
    assert not told or told[0].startswith("20 of 20 episodes did not end within 10 steps, and count as they stand.")
    problem.validation(problem.task)
    assert not problem.validation.events(problem.task, step=2), "it is said once"
    problem.close()


def test_a_run_warns_of_it(tmp_path: Path) -> None:
    run = tutelage.train("gym:Endless-v0", steps=3, out=tmp_path / "run", quiet=True, **SMALL)
    assert run.metrics["test/return"] == -3.0
    (told,) = [text for text in run.result["warnings"] if "did not end" in text]
    assert told.startswith("100 of 100 episodes did not end within 3 steps")
    assert "max_episode_steps" in told
    assert "gymnasium.wrappers.TimeLimit" in told
