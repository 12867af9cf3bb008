"""The time of a step is foreseen from a machine file, and the training is left as it was."""

from contextlib import closing

import numpy as np
import pytest

from tutelage.hardware.measured import MachineFile, OwnStep
from tutelage.hardware.point import Point
from tutelage.planning.facts import Machine
from tutelage.planning.recipe import recipe_from
from tutelage.run.compose import Composed, compose
from tutelage.run.own_steps import SAMPLES, Sample, measure_own_steps, seconds_of_step
from tutelage.run.start import Request, plan_training
from tutelage.run.step_time import StepModel
from tutelage.training.state import digest

HERE = Machine("cpu", "a processor", 1, "", 0.0, 50.0)


def machine(*, own_steps: tuple[OwnStep, ...] = ()) -> MachineFile:
    usual = {"dtype": "float32", "phase": "forward", "sizes": ""}
    points = [
        Point(op="triad", category="memory", flops=1e3, num_bytes=1e4, seconds=1e-6, **usual),
        Point(op="add", category="elementwise", flops=1e3, num_bytes=1e4, seconds=1e-6, **usual),
        Point(op="mm", category="matmul", dims=(1, 64, 64, 64), flops=5e5, num_bytes=5e4, seconds=1e-5, **usual),
        Point(op="call", category="dispatch", flops=0, num_bytes=0, seconds=1e-6, **usual),
        Point(op="call_learning", category="dispatch", flops=0, num_bytes=0, seconds=2e-6, **usual),
    ]
    return MachineFile(fingerprint={"device": "cpu"}, points=tuple(points), own_steps=own_steps)


def composed(**wishes: object) -> Composed:
    random = np.random.default_rng(0)
    rows = None if "source" in wishes else (random.standard_normal((300, 6)).astype(np.float32), random.integers(0, 2, 300))
    recipe = recipe_from({"budget": {"steps": 10}, "compile": "none", **wishes}, where="test")
    plan, gathered, _ = plan_training(Request(recipe, data=rows, machine=HERE))
    return compose(plan, gathered.data)


def test_more_rows_take_longer() -> None:
    model, times = StepModel(machine()), []
    for batch_size in (16, 128):
        training = composed(batch_size=batch_size, model="mlp")
        with closing(training.problem):
            times.append(model.foresee(training).time.seconds)
    assert 0 < times[0] < times[1]


def test_the_training_is_left_as_it_was() -> None:
    training = composed(batch_size=32, model="mlp")
    with closing(training.problem):
        before = digest(training.state.snapshot())
        foreseen = StepModel(machine()).foresee(training)
        assert digest(training.state.snapshot()) == before
    assert foreseen.style == "autograd"
    assert sum(foreseen.time.parts.values()) == pytest.approx(foreseen.time.seconds)
    assert foreseen.time.parts["data"] == foreseen.data_seconds > 0


def test_gradients_in_closed_form_have_weights_of_their_own() -> None:
    training = composed(source="gaussians:8", batch_size=32)
    own = OwnStep(name="points", style="GenerateTask", features={"steps": 1.0}, seconds=5.0)
    with closing(training.problem):
        plain, told = (StepModel(machine(own_steps=steps)).foresee(training) for steps in ((), (own,)))
    assert plain.style == told.style == "GenerateTask"
    assert plain.features["calls"] == 0
    assert plain.features["rows"] == 32
    assert told.time.seconds > plain.time.seconds


def test_own_trainings_are_measured_and_those_that_cannot_be_made_are_left_out() -> None:
    told: list[float] = []
    samples = (
        SAMPLES[0],
        Sample("nowhere", {"source": "nowhere-at-all.csv"}),
        Sample("points", {"source": "gaussians:8", "batch_size": 16}),
    )
    found = measure_own_steps(machine(), tell=told.append, samples=samples)
    assert [step.name for step in found] == ["a table, 64 rows", "points"]
    assert [step.style for step in found] == ["autograd", "GenerateTask"]
    assert all(step.seconds > 0 and step.features["steps"] == 1 for step in found)
    assert told == pytest.approx([1 / 3, 2 / 3, 1])


def test_a_step_is_measured_with_and_without_its_data() -> None:
    training = composed(batch_size=32, model="mlp")
    with closing(training.problem):
        training.state.task.train()
        assert 0 < seconds_of_step(training, seconds=0.0) < 1
        assert 0 < seconds_of_step(training, seconds=0.0, has_data=True) < 1
