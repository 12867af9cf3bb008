"""An agent that has learned nothing is told a cause that speaks of acting, and not of rows, labels or losses."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tutelage
from tutelage.diagnosis.base import find_reasons
from tutelage.diagnosis.facts import Curve, Facts, Layer

gymnasium = pytest.importorskip("gymnasium")
FALLING = Curve((1, 2, 3, 4), (4.0, 2.0, 1.0, 0.5))
LAYERS = (Layer("policy.body.0.weight", 64, moved=0.5),)
FOREIGN = re.compile(r"\b(rows?|labels?|training loss|--steps)\b")


class Chance(gymnasium.Env):  # type: ignore[misc]
    """Rewards by chance, whatever is done."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin."""
        super().reset(seed=seed)
        self.place = 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Draw a reward."""
        self.place += 1
        return self._seen(), float(self.np_random.normal()), self.place == 5, False, {}

    def _seen(self) -> Any:
        return self.np_random.uniform(-1, 1, 2).astype(np.float32)


def test_few_environment_steps_are_too_few_and_the_remedy_is_in_environment_steps() -> None:
    (reason,) = find_reasons(Facts(steps=500, env_steps=4_096, layers=LAYERS))
    assert reason.cause == "too_few_steps"
    assert str(reason) == ("it made only 4,096 environment steps. Train longer: --env-steps 100000, or leave the budget to auto.")


def test_an_agent_that_was_still_getting_better_is_to_act_longer() -> None:
    rising = Curve((1, 2, 3), (10.0, 15.0, 20.0))
    (reason,) = find_reasons(Facts(steps=5_000, env_steps=50_000, layers=LAYERS, scores=rising))
    assert "score went from 10 to 20" in reason.found
    assert "--env-steps 500000" in reason.remedy
    flat = Curve((1, 2, 3), (-200.0, -200.0, -200.0))
    assert find_reasons(Facts(steps=5_000, env_steps=50_000, layers=LAYERS, scores=flat)) == []


@pytest.mark.parametrize("task", [{"kind": "ppo", "num_envs": 2, "num_steps": 16}, {"kind": "dqn", "num_envs": 2, "warmup": 32}])
def test_no_cause_of_an_agent_speaks_of_rows_labels_or_losses(
    task: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutelage.run.diagnose._curve", lambda points, name: FALLING)
    run = tutelage.train(env=Chance, task=task, steps=64, batch_size=16, out=tmp_path / "run", quiet=True)
    told = run.result["diagnosis"]
    assert told["verdict"] == "no better"
    assert told["reasons"][0]["cause"] == "too_few_steps"
    assert "--env-steps" in run.result["warnings"][-1]
    assert not FOREIGN.search(str(told["reasons"])), told["reasons"]
