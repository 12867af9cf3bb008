"""Where a step does not fit into the memory it is made in more micro-batches, and nothing else changes."""

import time
from collections.abc import Callable

import pyarrow as pa
import pytest
import torch
from torch import Tensor, nn

from tests.stand_ins import NO_MEMORY, Tight, Told, rows_in_turn, small_training
from tutelage.core.emitter import Emitter
from tutelage.core.errors import OutOfMemoryError
from tutelage.core.events import Divided
from tutelage.core.memory import is_out_of_memory, memory_told
from tutelage.data.rows.dense import DenseRows
from tutelage.optim.adam import Adam
from tutelage.task.answering import answer_batches
from tutelage.training.divergence import DivergenceJob
from tutelage.training.loop import run_loop
from tutelage.training.state import TrainState, digest


def training(tight: nn.Module, *, num_micro: int = 1) -> TrainState:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.3), tight, nn.Linear(16, 3))
    return small_training(model, rows_in_turn(), optim=Adam(), batch_size=16, steps=20, clip=1.0, ema=0.5, num_micro=num_micro)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_step_that_does_not_fit_gives_the_bits_of_more_micro_batches_from_there_on(*, backwards: bool) -> None:
    state, memory = training(Tight(most_rows=4, after=5, backwards=backwards)), Told()
    run_loop(state, jobs=[DivergenceJob(Emitter([memory], started=time.monotonic()), step=0)], seed=0)
    assert [(event.step, event.num_micro) for event in memory.named(Divided)] == [(6, 4)]
    told = training(nn.Identity())
    run_loop(told, jobs=(), seed=0, until_step=5)
    told.step.num_micro = 4
    told.control = told.control.measured_first(state.control.first_loss)
    run_loop(told, jobs=(), seed=0)
    assert digest(state.snapshot()) == digest(told.snapshot())


def test_a_resumed_training_keeps_its_number_of_micro_batches() -> None:
    state = training(Tight(most_rows=8))
    run_loop(state, jobs=(), seed=0, until_step=3)
    again = training(nn.Identity())
    again.restore(state.snapshot())
    assert again.step.num_micro == 2


def test_a_resumed_training_tells_of_its_micro_batches_only_where_they_change() -> None:
    state = training(Tight(most_rows=8))
    run_loop(state, jobs=(), seed=0, until_step=3)
    for most_rows, told in ((8, []), (4, [(4, 4)])):
        again, memory = training(Tight(most_rows=most_rows)), Told()
        again.restore(state.snapshot())
        job = DivergenceJob(Emitter([memory], started=time.monotonic()), step=3, num_micro=again.step.num_micro)
        run_loop(again, jobs=[job], seed=0, until_step=5)
        found = [event for event in memory.events if isinstance(event, Divided)]
        assert [(event.step, event.num_micro) for event in found] == told
    assert "dropout" in found[0].message


def test_where_one_row_does_not_fit_it_is_said_what_was_done_and_what_helps() -> None:
    state = training(Tight(most_rows=0))
    with pytest.raises(
        OutOfMemoryError, match=r"computing the gradient of phase 'fit' for 16 rows in 16 parts.*4096 bytes .* batch_size"
    ):
        run_loop(state, jobs=(), seed=0)
    assert all(parameter.grad is None for parameter in state.task.parameters())


def test_batch_norm_gets_two_rows_at_least() -> None:
    state = training(nn.Sequential(nn.BatchNorm1d(16), Tight(most_rows=1)))
    with pytest.raises(OutOfMemoryError, match="in 8 parts"):
        run_loop(state, jobs=(), seed=0)


@pytest.mark.parametrize("most_rows", [1, 3, 100])
def test_an_evaluation_that_does_not_fit_takes_fewer_rows_at_a_time(most_rows: int) -> None:
    class First(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tight = Tight(most_rows=most_rows)

        def forward(self, batch: dict[str, Tensor]) -> Tensor:
            found: Tensor = self.tight(batch["x"])
            return found

    rows = DenseRows({"x": torch.randn(10, 4)})
    answers = torch.cat([found for _, found in answer_batches(First(), rows, batch_size=7)])
    assert torch.equal(answers, rows.take(torch.arange(10))["x"])


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(NO_MEMORY),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79 GiB"),
        OSError(12, "Cannot allocate memory"),
        RuntimeError("could not create a primitive"),
        SystemError("error return without exception set"),
        TypeError("Got unexpected argument type <class 'int'> for compute function"),
    ],
)
def test_a_lack_of_memory_is_known_by_all_its_names_and_told_with_the_work(error: Exception) -> None:
    assert is_out_of_memory(error)

    def work() -> None:
        raise error

    with pytest.raises(OutOfMemoryError, match="out of memory while preparing"):
        named(work)
    with pytest.raises(ValueError, match="other"), memory_told("preparing"):
        raise ValueError("other")


def named(work: Callable[[], None]) -> None:
    with memory_told("reading"), memory_told("preparing"):
        work()


def test_words_in_a_cell_are_no_lack_of_memory() -> None:
    with pytest.raises(pa.ArrowInvalid) as found:
        pa.array(["out of memory"]).cast(pa.int64())
    assert not is_out_of_memory(found.value)
