"""How many environment steps a budget becomes: said in the plan, near to what was asked for, and what is then really taken."""

import pytest

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
