"""What steps take of a graphics card is told on a machine without one: the course of their memory goes through its allocator."""

from typing import Any

import numpy as np
import pytest

from tutelage.planning.facts import Machine
from tutelage.planning.recipe import recipe_from
from tutelage.run.compose import compose
from tutelage.run.start import Request, plan_training
from tutelage.run.work import TrainingWork, count_training_step

HERE = Machine("cpu", "a processor", 1, "", 0.0, 50.0)


def counted(data: object, **wishes: Any) -> TrainingWork:
    """Return the work of a step of a training."""
    recipe = recipe_from({"budget": {"steps": 50}, "precision": "float32", "compile": "none", **wishes}, where="test")
    plan, gathered, _ = plan_training(Request(recipe, data=data, machine=HERE))
    composed = compose(plan, gathered.data)
    try:
        return count_training_step(composed.state, composed.state.stream.next())
    finally:
        composed.problem.close()


def pictures() -> tuple[np.ndarray, np.ndarray]:
    drawn = np.random.default_rng(0)
    return drawn.integers(0, 256, (200, 16, 16, 3)).astype(np.uint8), drawn.integers(0, 5, 200)


def texts() -> tuple[list[str], np.ndarray]:
    drawn = np.random.default_rng(0)
    return [" ".join(f"w{number}" for number in drawn.integers(0, 300, 30)) for _ in range(200)], drawn.integers(0, 2, 200)


@pytest.mark.parametrize("model", ["resnet", "text_encoder"])
def test_a_real_step_goes_through_the_allocator_of_a_card(model: str) -> None:
    work = counted(pictures() if model == "resnet" else texts(), model=model, batch_size=16)
    found = work.course.memory("cuda")
    assert found.low == work.memory.low
    # Segments take more than tensors, but by far not as much again.
    assert found.low < found.expected < 2 * found.low + 40 * 2**20
