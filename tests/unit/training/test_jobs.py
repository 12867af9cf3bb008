"""Jobs: what is told, what is kept when training diverges, and several evaluators at once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from tutelage.core.emitter import Emitter
from tutelage.core.errors import DivergedError
from tutelage.core.events import Evaluated, Event, Noted
from tutelage.data.rows.dense import DenseRows
from tutelage.data.stream import FiniteStream
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.optim.schedule.constant import Constant
from tutelage.optim.sgd import SGD
from tutelage.task.base import Phase, Task
from tutelage.task.supervised import SupervisedTask
from tutelage.training.control import Control, Stopping
from tutelage.training.jobs import EvaluateJob, LogJob
from tutelage.training.loop import run_loop
from tutelage.training.state import TrainState
from tutelage.training.step import Step, StepOptions


@dataclass
class Memory:
    """A sink that remembers."""

    events: list[Event]

    def take(self, event: Event) -> None:
        self.events.append(event)

    def close(self) -> None:
        pass


@dataclass
class Size:
    """An evaluator: how large the weights are."""

    name: str

    def __len__(self) -> int:
        return 3

    def __call__(self, task: Task) -> dict[str, float]:
        return {self.name: float(sum(parameter.detach().abs().sum() for parameter in task.parameters()))}


class Speaker(Size):
    """An evaluator that has something to show, too."""

    def events(self, task: Task, step: int) -> Sequence[Event]:
        return [Noted(message=f"step {step}")]


def training(*, lr: float = 0.1, weights: Tensor | None = None) -> TrainState:
    torch.manual_seed(0)
    x = torch.randn(64, 4)
    task = SupervisedTask(
        nn.Linear(4, 3),
        input_names=("x",),
        phase=Phase(owns=("model.",), optim=SGD(lr=lr, momentum=0.9, weight_decay=0), schedule=Constant(warmup=0)),
        loss=CrossEntropy().build(),
    )
    tensors = {"x": x, "target": torch.arange(64) % 3} | ({} if weights is None else {"weight": weights})
    stream = FiniteStream(DenseRows(tensors), batch_size=8, seed=0)
    return TrainState(task, Step(task, StepOptions()), stream, Control(40))


def test_a_diverged_training_keeps_its_best_weights_and_says_where_it_was_seen() -> None:
    state = training(lr=1.0)
    memory = Memory([])
    emitter = Emitter([memory], started=time.monotonic())
    evaluate = EvaluateJob(emitter, [Size("val/loss")], stopping=Stopping(), every=5, step=0)
    run_loop(state, jobs=[LogJob(emitter, every=10, step=0), evaluate], seed=0, until_step=10)
    best, best_step = {name: tensor.clone() for name, tensor in state.best.items()}, state.control.best_step
    assert best
    assert best_step in (5, 10)
    with torch.no_grad():
        state.task.get_parameter("model.weight").fill_(torch.nan)
    with pytest.raises(DivergedError, match="between steps 10 and 20") as caught:
        run_loop(state, jobs=[LogJob(emitter, every=10, step=10), evaluate], seed=0)
    assert (caught.value.step, state.clock.step) == (20, 20)
    assert all(torch.equal(state.best[name], tensor) for name, tensor in best.items())
    assert state.control.best_step == best_step
    state.task.load_state_dict(state.best)
    assert all(parameter.isfinite().all() for parameter in state.task.parameters())


def test_several_evaluators_make_one_evaluation_and_what_they_show_follows_it() -> None:
    state, memory = training(), Memory([])
    job = EvaluateJob(
        Emitter([memory], started=time.monotonic()),
        [Size("val/loss"), Speaker("play/size")],
        stopping=Stopping(),
        every=5,
        step=0,
    )
    assert len(job) == 6
    job.run(state)
    evaluated, shown = memory.events
    assert isinstance(evaluated, Evaluated)
    assert evaluated.metrics.keys() == {"val/loss", "play/size"}
    assert evaluated.is_best
    assert isinstance(shown, Noted)
    assert shown.message == "step 0"


def test_two_evaluators_may_not_measure_the_same() -> None:
    state = training()
    job = EvaluateJob(Emitter([], started=0.0), [Size("val/loss"), Size("val/loss")], stopping=Stopping(), every=5, step=0)
    with pytest.raises(AssertionError, match="val/loss"):
        job.run(state)
