"""What steps take of a graphics card is told on a machine without one: the course of their memory goes through its allocator."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tutelage.foresight.pace import Pace
from tutelage.foresight.run_time import Measured, Schedule
from tutelage.planning.facts import Machine
from tutelage.planning.recipe import recipe_from
from tutelage.run.compose import compose
from tutelage.run.elsewhere import Where
from tutelage.run.estimate import Estimate, estimate_of
from tutelage.run.estimating import Tried
from tutelage.run.pilot import Pilot
from tutelage.run.start import Request, plan_training
from tutelage.run.work import TrainingWork, count_training_step
from tutelage.work.memory import CONTEXT_BYTES

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


def estimated(hardware: str = "", devices: int = 1) -> Estimate:
    """Return what a trial on this processor says of a training elsewhere."""
    recipe = recipe_from({"source": "sklearn:digits", "budget": {"steps": 500}, "model": "mlp", "batch_size": 512}, where="test")
    pace = Pace(0.1, num_steps=50)
    work = counted(None, source="sklearn:digits", model="mlp", batch_size=512)
    pilot = Pilot(plan=plan_training(Request(recipe, machine=HERE))[0], work=work, times=[0.1] * 20)
    assert pilot.plan is not None
    told = {"machine": "x", "matmul_gflops": 50.0}
    tried = Tried(pilot.plan, Measured({}, pace, evaluation=1.0), Schedule(500, 10, 2), pilot, 1.0, {"num_parameters": 1e5}, told)
    return estimate_of(replace(tried, peak_bytes=7), Where(hardware, devices))


def test_what_is_said_of_a_card_is_what_its_allocator_takes_and_its_context() -> None:
    work = counted(None, source="sklearn:digits", model="mlp", batch_size=512)
    found = estimated("A100").memory_bytes
    assert found == work.course.memory("cuda").expected + CONTEXT_BYTES
    assert found != work.memory.expected
    # Where it was tried, it is what it took there.
    assert estimated().memory_bytes == 7


def test_devices_that_share_a_batch_hold_all_weights_and_their_rows_each() -> None:
    work = counted(None, source="sklearn:digits", model="mlp", batch_size=512)
    one, four = work.course.on_card().parts, work.course.on_card(share=1 / 4).parts
    assert four["parameters"] == one["parameters"]
    assert four["batch"] == pytest.approx(one["batch"] / 4, rel=0.01)
    assert work.course.on_card(share=1 / 4).low < work.course.on_card().low
    # Half of the rows is about what is counted for half of them.
    half = counted(None, source="sklearn:digits", model="mlp", batch_size=256)
    assert work.course.on_card(share=1 / 2).low == pytest.approx(half.course.on_card().low, rel=0.01)
