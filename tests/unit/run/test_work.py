"""The step of every task is counted without being run: the operators of the real one, and nothing of the training changes."""

from collections.abc import Iterator

import pytest
import torch

from tests.contract.examples import TASKS
from tutelage.core import catalog
from tutelage.data.source.recognize import recognize
from tutelage.planning.recipe import recipe_from
from tutelage.run.compose import Composed, compose
from tutelage.run.start import Request, plan_training
from tutelage.run.work import count_training_step
from tutelage.task.base import Batch
from tutelage.training.state import digest
from tutelage.training.step import Step
from tutelage.work.counter import OperatorCounter

KINDS = catalog.names("task")


@pytest.fixture(scope="module", params=KINDS)
def begun(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Composed, Batch]]:
    """A training of each task at its beginning, and its first batch."""
    kind, folder = request.param, tmp_path_factory.mktemp(request.param)
    source = TASKS[kind].source(folder)
    wishes = dict(TASKS[kind].wishes)
    if catalog.load("task", kind)().claims(recognize(source)(path=source).collect().train) is None:
        wishes["task"] = {"kind": kind, **wishes.get("task", {})}
    recipe = recipe_from({"source": source, "budget": {"steps": 4}, **wishes}, where="test")
    plan, gathered, _ = plan_training(Request(recipe))
    composed = compose(plan, gathered.data)
    batch = composed.state.stream.next()
    if composed.state.task.draws:
        batch = composed.state.task.draw(batch, torch.Generator())
    yield composed, batch
    composed.problem.close()


def test_nothing_of_the_training_changes(begun: tuple[Composed, Batch]) -> None:
    composed, batch = begun
    before = digest(composed.state.snapshot())
    found = count_training_step(composed.state, batch)
    assert digest(composed.state.snapshot()) == before
    assert found.rows == len(next(iter(batch.values())))
    assert found.whole_rhythm.flops > 0


def test_every_operator_has_a_formula(begun: tuple[Composed, Batch]) -> None:
    composed, batch = begun
    for work in count_training_step(composed.state, batch).phases.values():
        assert work.uncovered == {}


def test_what_is_counted_is_what_the_step_computes(begun: tuple[Composed, Batch]) -> None:
    composed, batch = begun
    task, found = composed.state.task, count_training_step(composed.state, batch)
    task.with_gradients = lambda _phase: None  # type: ignore[method-assign, assignment]
    step = Step(task, composed.state.step.options)
    for name in task.phases:
        step((name,), batch, 0.0)
        with OperatorCounter() as counter:
            step((name,), batch, 0.0)
        # Where a small network only acts, NumPy computes its last layer, which torch's dispatcher does not see.
        assert counter.work.matmul_flops == pytest.approx(found.phases[name].matmul_flops, rel=1e-3)
        # A small net that acts rounds its wide products by itself in bfloat16, for which autocast has copies.
        near = 0.01 if composed.state.step.options.precision == "float32" else 0.03
        assert counter.work.bytes == pytest.approx(found.phases[name].bytes, rel=near)
