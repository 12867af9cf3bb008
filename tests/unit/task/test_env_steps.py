"""How many environment steps a budget becomes: said in the plan, near to what was asked for, and what is then really taken."""

from typing import Any

import pytest

from tutelage.core.errors import RecipeError
from tutelage.planning.recipe import recipe_from
from tutelage.run.start import Request, plan_training
from tutelage.task.dqn import Dqn
from tutelage.task.ppo import Ppo

pytest.importorskip("gymnasium")


@pytest.mark.parametrize(
    ("asked", "taken"),
    [(1, 2_048), (3_000, 2_048), (4_000, 4_096), (4_096, 4_096), (5_000, 4_096), (6_000, 6_144), (100_000, 98_304)],
)
def test_rollouts_are_whole_and_near_to_what_was_asked_for(asked: int, taken: int) -> None:
    assert Ppo().env_steps_for(asked)[0] == taken
    # 8 passes over minibatches of 256.
    assert Ppo().steps_for(asked, 256) == taken // 256 * 8


def test_random_steps_count_among_those_that_are_taken() -> None:
    assert Dqn(num_envs=4, warmup=1_000).env_steps_for(5_000)[0] == 5_000
    assert Dqn(num_envs=4, warmup=10).env_steps_for(21)[0] == 12 + 8


@pytest.mark.parametrize(("asked", "said"), [("100", "96 environment steps"), ("60", "64 environment steps"), ("64", "")])
def test_the_plan_says_what_is_taken_and_why_and_the_stream_takes_it(asked: str, said: str) -> None:
    task = {"kind": "ppo", "num_envs": 2, "num_steps": 16}
    wishes = {"source": "gym:CartPole-v1", "batch_size": 16, "task": task, "budget": {"env_steps": asked}}
    plan, gathered, _ = plan_training(Request(recipe_from(wishes, where="test")))
    (told,) = [decision.value for decision in plan.decisions if decision.key == "budget"]
    taken = int(said.partition(" ")[0] or asked)
    assert told.startswith(f"{taken} environment steps")
    assert (f"({asked} asked for; these are whole rollouts of 32)" in told) is bool(said)
    problem = plan.task.build(plan, gathered.data)
    stream = problem.stream
    for step in range(plan.total_steps):
        assert not stream.is_spent, step
        stream.next()
    assert (stream.is_spent, stream.env_steps) == (True, taken)
    problem.close()


def planned(**wishes: object) -> Any:
    return plan_training(Request(recipe_from({"source": "gym:CartPole-v1", **wishes}, where="test")))[0]


@pytest.mark.parametrize(("kind", "source", "taken"), [("ppo", "CartPole-v1", 8_192), ("sac", "Pendulum-v1", 9_000)])
def test_steps_that_only_the_task_asks_for_are_the_budget(kind: str, source: str, taken: int) -> None:
    plan = planned(source=f"gym:{source}", task={"kind": kind, "env_steps": 9_000})
    (told,) = [decision for decision in plan.decisions if decision.key == "budget"]
    assert told.value.startswith(f"{taken:,} environment steps")
    assert told.reason == "as task.env_steps says"
    assert plan.task.env_steps == taken
    assert plan.total_steps == plan.task.steps_for(9_000, plan.batch_size)


def test_a_task_and_a_budget_that_ask_for_different_steps_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"task.env_steps = 9,000 and budget.env_steps = 4,000 .*--env-steps 4000"):
        planned(task={"kind": "ppo", "env_steps": 9_000}, budget={"env_steps": 4_000})


def test_a_memory_that_is_cut_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    task = {"kind": "dqn", "capacity": 50_000}
    assert not [each for each in planned(task=task).decisions if each.key == "task.capacity"]
    monkeypatch.setattr("tutelage.task.replayed.MOST_BYTES", 2**20)
    plan = planned(task=task)
    (told,) = [each for each in plan.decisions if each.key == "task.capacity"]
    # Two observations of four numbers of four bytes.
    assert plan.task.capacity == 2**20 // 32
    assert told.value == "32,768 steps"
    assert "not 50,000" in told.reason
