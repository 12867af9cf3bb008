"""Environments are made once, measured again and again alike, and closed at the end whatever happens."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

import tutelage
from tutelage.core.errors import FaultyEnvironmentError
from tutelage.planning.recipe import recipe_from
from tutelage.run.start import Request, plan_training

gymnasium = pytest.importorskip("gymnasium")
from gymnasium.envs.classic_control.cartpole import CartPoleEnv  # noqa: E402 - an extra

SOURCE = "gym:Counted-v0"
SMALL = {"batch_size": 16, "task": {"num_envs": 2, "num_steps": 16}}


class Counted(CartPoleEnv):  # type: ignore[misc]
    """CartPole that counts how many of it were made, and how many are open."""

    made: ClassVar[int] = 0
    is_open: ClassVar[set[int]] = set()

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        Counted.made += 1
        Counted.is_open.add(id(self))
        self.number = id(self)

    def close(self) -> None:
        Counted.is_open.discard(self.number)
        super().close()


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    gymnasium.register("Counted-v0", entry_point=Counted, max_episode_steps=20)
    Counted.made, Counted.is_open = 0, set()
    yield
    del gymnasium.registry["Counted-v0"]


def test_no_environment_stays_open_after_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutelage.task.acting.TEST_EPISODES", 3)
    tutelage.train(SOURCE, steps=3, out=tmp_path / "run", quiet=True, **SMALL)
    assert Counted.made == 1 + 4 + 2 + 20 + 3, (
        "one to look at, four to try whether they can be put back, then those to train, to validate and to test in"
    )
    assert Counted.is_open == set()


def test_no_environment_stays_open_after_a_run_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Counted, action: int) -> None:
        raise OSError("the simulator has gone away")

    monkeypatch.setattr(Counted, "step", fail)
    with pytest.raises(FaultyEnvironmentError, match="gone away"):
        tutelage.train(SOURCE, steps=3, out=tmp_path / "run", quiet=True, **SMALL)
    assert Counted.made > 1
    assert Counted.is_open == set()


def test_environments_are_kept_from_one_evaluation_to_the_next() -> None:
    plan, gathered, _ = plan_training(Request(recipe_from({"source": SOURCE, **SMALL}, where="test")))
    problem = plan.task.build(plan, gathered.data)
    first = problem.validation(problem.task)
    made = Counted.made
    assert problem.validation(problem.task) == first
    assert Counted.made == made
    problem.close()
    problem.close()
    assert Counted.is_open == set()
