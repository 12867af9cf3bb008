"""An agent whose network is tiny computes with one thread, as its plan says, and gives the others back at the end."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from tutelage.planning.recipe import recipe_from
from tutelage.run.start import Request, plan_training

pytest.importorskip("gymnasium")


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def planned(**wishes: Any) -> tuple[Any, Any]:
    recipe = recipe_from({"source": "gym:CartPole-v1", "budget": {"steps": 8}, **wishes}, where="test")
    plan, gathered, _ = plan_training(Request(recipe))
    return plan, gathered.data


def decided(plan: Any) -> list[str]:
    return [f"{made.value}: {made.reason}" for made in plan.decisions if made.key == "task.threads"]


@pytest.mark.usefixtures("two_threads")
def test_a_tiny_network_has_one_thread_until_its_training_is_closed() -> None:
    plan, data = planned(task="ppo")
    (told,) = decided(plan)
    assert told.startswith("1: not 2: with 4,610 weights and 256 rows")
    problem = plan.task.build(plan, data)
    assert torch.get_num_threads() == 1
    problem.close()
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("wishes", "threads"),
    [({"task": "ppo", "model": {"kind": "mlp", "hidden": [512, 512]}}, 0), ({"task": {"kind": "ppo", "threads": 2}}, 2)],
)
def test_a_larger_network_has_all_of_them_and_a_wish_is_obeyed(wishes: dict[str, Any], threads: int) -> None:
    plan, data = planned(**wishes)
    assert (plan.task.threads, decided(plan)) == (threads, [])
    problem = plan.task.build(plan, data)
    assert torch.get_num_threads() == 2
    problem.close()


def test_a_machine_of_one_thread_has_nothing_to_decide() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert decided(planned(task="ppo")[0]) == []
    finally:
        torch.set_num_threads(before)
