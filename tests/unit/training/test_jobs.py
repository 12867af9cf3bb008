"""Jobs: what is told, and several evaluators at once."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.stand_ins import Told, rows_in_turn, small_training
from tutelage.core.emitter import Emitter
from tutelage.core.events import Evaluated, Event, Logged, Noted, Saved
from tutelage.core.stopping import Stopping
from tutelage.optim.sgd import SGD
from tutelage.task.base import Task
from tutelage.training.jobs import EvaluateJob, LogJob
from tutelage.training.loop import run_loop
from tutelage.training.saving import SaveJob
from tutelage.training.state import TrainState, digest


@dataclass
class Size:
    """An evaluator: how large the weights are."""

    name: str

    def __len__(self) -> int:
        return 3

    def __call__(self, task: Task) -> dict[str, float]:
        return {self.name: float(sum(parameter.detach().abs().sum() for parameter in task.parameters()))}

    def events(self, task: Task, step: int) -> Sequence[Event]:
        return ()


class Speaker(Size):
    """An evaluator that has something to show, too."""

    def events(self, task: Task, step: int) -> Sequence[Event]:
        return [Noted(message=f"step {step}")]


def training(*, lr: float = 0.1, weights: Tensor | None = None) -> TrainState:
    torch.manual_seed(0)
    rows = rows_in_turn() | ({} if weights is None else {"weight": weights})
    return small_training(nn.Linear(4, 3), rows, optim=SGD(lr=lr, momentum=0.9, weight_decay=0))


def logged(state: TrainState, *, every: int, line_seconds: float) -> list[Logged]:
    memory = Told()
    log = LogJob(Emitter([memory], started=time.monotonic()), every=every, step=0, line_seconds=line_seconds)
    run_loop(state, jobs=[log], seed=0, until_step=25)
    return [event for event in memory.events if isinstance(event, Logged)]


def test_where_steps_are_slow_lines_are_told_in_between_and_change_neither_the_state_nor_the_regular_lines() -> None:
    rare, often = training(), training()
    regular = logged(rare, every=10, line_seconds=1e9)
    every = logged(often, every=10, line_seconds=0.0)
    assert [event.step for event in regular] == [10, 20]
    assert [event.step for event in every] == list(range(1, 26))
    assert {event.step: event.metrics for event in every}.items() >= {event.step: event.metrics for event in regular}.items()
    assert digest(rare.snapshot()) == digest(often.snapshot())
    assert rare.ledger.means() == often.ledger.means()


def test_a_clock_is_looked_at_ten_times_between_two_lines_and_not_at_each_step() -> None:
    state = training()
    log = LogJob(Emitter([], started=time.monotonic()), every=1000, step=0, line_seconds=60.0)
    state.clock.step = 1
    time.sleep(0.01)
    log.run(state)
    # One step took 10 ms or more, so 6 s are at most 600 steps.
    assert 1 < log.next_step <= 601


def test_a_checkpoint_is_told_once_it_is_durable_and_by_the_thread_that_trains(tmp_path: Path) -> None:
    state, memory = training(), Told()
    save = SaveJob(Emitter([memory], started=time.monotonic()), tmp_path, every_seconds=0, step=0)
    run_loop(state, jobs=[save], seed=0, until_step=5)
    told = [event.step for event in memory.events if isinstance(event, Saved)]
    assert told == [1, 2, 3, 4], "the fifth was not waited for"
    save.close()
    saved = [event for event in memory.events if isinstance(event, Saved)]
    assert [event.step for event in saved] == [1, 2, 3, 4, 5]
    assert saved[-1].digest == digest(state.snapshot())


def test_several_evaluators_make_one_evaluation_and_what_they_show_follows_it() -> None:
    state, memory = training(), Told()
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


class Counting(Size):
    """An evaluator that says how often it was asked, also before a resume."""

    count = 0

    def __call__(self, task: Task) -> dict[str, float]:
        self.count += 1
        return super().__call__(task)

    def memory(self) -> dict[str, int]:
        return {"count": self.count}

    def recall(self, memory: Mapping[str, Any]) -> None:
        self.count = int(memory["count"])


def test_what_an_evaluator_remembers_survives_a_resume() -> None:
    state = training()
    plain, first, second = Size("val/plain"), Counting("val/loss"), Counting("val/loss")
    for evaluator in (first, second):
        job = EvaluateJob(Emitter([], started=0.0), [plain, evaluator], stopping=Stopping(), every=5, step=0)
        for _ in range(2):
            job.run(state)
        saved = state.snapshot()
        state = training()
        state.restore(saved)
    assert (first.count, second.count) == (2, 4)
