"""What an environment shows outside of the space that it declares is told once, with number, value, bounds and remedy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

gymnasium = pytest.importorskip("gymnasium")
from gymnasium.spaces import Box  # noqa: E402 - an extra

import tutelage  # noqa: E402 - after the extra
from tests.unit.env.test_faults import SMALL, Sound  # noqa: E402 - after the extra
from tutelage.env.extent import Extent  # noqa: E402 - after the extra
from tutelage.env.gymnasium import Gymnasium  # noqa: E402 - after the extra
from tutelage.planning.recipe import recipe_from  # noqa: E402 - after the extra
from tutelage.run.start import Request, plan_training  # noqa: E402 - after the extra


class Beyond(Sound):
    """Says that it shows up to 10, and counts to 20 in its second number."""

    observation_space = Box(np.array([0.0, -1.0]), np.array([np.inf, 10.0]), dtype=np.float64)


class Late(Sound):
    """Leaves its space later than an environment is tried before training."""

    observation_space = Box(-1.0, 180.0, (2,), np.float32)
    length = 200


def shown(made: Any, steps: int) -> str:
    env = Gymnasium(name="", num_envs=2).build(make=made)
    extent = Extent(env)
    extent.begin(env.reset(torch.Generator()))
    for _ in range(steps):
        extent.look(env.step(torch.zeros(2, dtype=torch.int64)))
    env.close()
    return extent.told()


def test_what_leaves_its_space_is_named_with_number_value_and_bounds() -> None:
    assert shown(Sound, 60) == ""
    assert shown(Beyond, 10) == ""
    said = shown(Beyond, 25)
    assert "Beyond: 1 of 2 numbers of an observation leave the observation_space: number 1 reached 20" in said
    assert "the space says -1 to 10" in said
    assert "Mend the bounds" in said


def test_pixels_and_numbers_without_bounds_are_not_followed() -> None:
    class Free(Sound):
        observation_space = Box(-np.inf, np.inf, (2,), np.float32)

    class Picture(Sound):
        observation_space = Box(0, 200, (8, 8), np.uint8)

        def seen(self) -> Any:
            return np.full((8, 8), 255, np.uint8)

    assert shown(Free, 30) == ""
    assert shown(Picture, 5) == ""


def test_it_is_told_before_training_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tutelage.data.source.gym._checked", lambda gymnasium, env, name: ())
    tutelage.train(env=Beyond, env_steps=64, out=tmp_path / "run", quiet=True, **SMALL)
    assert capsys.readouterr().err.count("observation_space: number 1 reached 20") == 1


def test_an_evaluation_tells_once_what_chance_did_not_come_to() -> None:
    recipe = recipe_from({"source": "gym:Late-v0", "budget": {"env_steps": 64}, **SMALL}, where="test")
    gymnasium.register("Late-v0", entry_point=Late)
    try:
        plan, gathered, _ = plan_training(Request(recipe))
        assert gathered.data.warnings() == ()
        problem = plan.task.build(plan, gathered.data)
        for step in range(2):
            problem.validation(problem.task)
            told = [event.message for event in problem.validation.events(problem.task, step=step)]  # type: ignore[attr-defined]
            assert len(told) == (step == 0)
            assert not told or "number 0 reached 200, and the space says -1 to 180" in told[0]
        problem.close()
    finally:
        del gymnasium.registry["Late-v0"]
