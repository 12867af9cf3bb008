"""Gradients by time lag: they are what autograd says, they are told thrice, and training is the same with and without."""

import time
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench import adding
from tests.stand_ins import Told, rows_in_turn, small_training
from tutelage.core import catalog
from tutelage.core.emitter import Emitter
from tutelage.core.events import GradientByLag
from tutelage.core.shape.series import SeriesShape
from tutelage.data.rows.dense import DenseRows
from tutelage.optim.sgd import SGD
from tutelage.report.sections.recurrent_health import say_health
from tutelage.task.base import Batch
from tutelage.task.lags import MOST_POINTS, by_lag, lag_batch, measure_lags
from tutelage.training.health import HealthJob
from tutelage.training.loop import run_loop
from tutelage.training.state import TrainState, digest

LENGTH, STEPS = 12, 10


def rows(count: int = 24, length: int = LENGTH) -> dict[str, Tensor]:
    return adding.rows(count, length, seed=1)


def training(kind: str = "gru", **settings: Any) -> TrainState:
    wishes = {"width": 8, "embedding_size": 8, "depth": 2, "dropout": 0.3} | settings
    torch.manual_seed(0)
    model: nn.Module = catalog.load("model", kind)(**wishes).build(SeriesShape(channels=2, length=LENGTH), 1)
    return adding.prepare(model, rows(), steps=STEPS, seed=0)


def batch() -> Batch:
    return lag_batch(DenseRows(rows()), nn.Identity(), device="cpu")


def run(state: TrainState, jobs: list[HealthJob]) -> Tensor:
    torch.manual_seed(3)
    run_loop(state, jobs=jobs, seed=0)
    return torch.get_rng_state()


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru", "min_gru"])
def test_a_training_that_is_looked_at_has_the_same_bits(kind: str) -> None:
    plain, watched, told = training(kind), training(kind), Told()
    emitter = Emitter([told], started=time.monotonic())
    health = HealthJob(emitter, lambda task: measure_lags(task, batch), step=0, total_steps=STEPS)
    assert torch.equal(run(plain, []), run(watched, [health])), "it drew random numbers"
    modes = [part.training for part in watched.task.modules()]
    health.finish(watched)
    assert digest(plain.snapshot()) == digest(watched.snapshot())
    assert [part.training for part in watched.task.modules()] == modes
    events = told.named(GradientByLag)
    assert [(event.step, event.moment) for event in events] == [(1, "start"), (5, "middle"), (10, "end")]
    assert all(event.lags == tuple(range(LENGTH)) and min(event.norms) > 0 for event in events)


def test_a_resumed_training_tells_no_moment_twice_and_misses_none() -> None:
    told = Told()
    for step in (0, 1, 4, 5, 9):
        job = HealthJob(Emitter([told], started=time.monotonic()), lambda _: {0.0: 1.0}, step=step, total_steps=STEPS)
        assert job.next_step == {0: 1, 1: 5, 4: 5}.get(step, 2**62)


def test_a_network_that_is_not_recurrent_is_not_measured() -> None:
    def refuse() -> Batch:
        raise AssertionError("no batch is made in vain")

    assert measure_lags(small_training(nn.Linear(4, 3), rows_in_turn(), optim=SGD()).task, refuse) == {}


def test_the_norms_are_those_of_the_gradients_by_hand() -> None:
    state = training(dropout=0.0, bidirectional=False, pool=("last",))
    model: Any = state.task.get_submodule("model")
    own = batch()
    embedded = model.embed(own["series"]).detach().requires_grad_()
    hidden = embedded
    for layer in model.layers:
        hidden = layer(hidden)
    error = (model.head(hidden[:, -1])[:, 0] - own["target"]).square().sum()
    norm_T = torch.autograd.grad(error, embedded)[0].norm(dim=-1).mean(dim=0)
    found = measure_lags(state.task, batch)
    torch.testing.assert_close(torch.tensor([found[float(lag)] for lag in range(LENGTH)]), norm_T.flip(0))


def test_lags_count_from_the_end_of_each_row_and_long_rows_are_told_in_few_points() -> None:
    norm = torch.tensor([[1.0, 2.0, 9.0], [4.0, 6.0, 8.0]])
    assert by_lag(norm, torch.tensor([2, 3])) == {0.0: 5.0, 1.0: 3.5, 2.0: 4.0}
    many = by_lag(torch.ones(1, 1_000), torch.tensor([1_000]))
    assert len(many) <= MOST_POINTS
    assert set(many.values()) == {1.0}
    assert next(iter(many)) == 3.5


def test_a_plain_network_forgets_what_a_gated_one_keeps() -> None:
    far = {}
    for kind in ("rnn", "gru"):
        one_way = {"depth": 1, "bidirectional": False, "pool": ("last",), "width": 32}
        settings = one_way | adding.SETTINGS[kind]
        torch.manual_seed(0)
        model: nn.Module = catalog.load("model", kind)(**settings).build(SeriesShape(channels=2, length=200), 1)
        if kind == "rnn":
            with torch.no_grad():
                model.get_parameter("layers.0.kernel.weight_hh_l0").mul_(0.9)
        state = adding.prepare(model, rows(length=200), steps=1, seed=0)
        found = measure_lags(state.task, lambda: lag_batch(DenseRows(rows(length=200)), nn.Identity(), device="cpu"))
        points = sorted(found.items())
        far[kind] = points[-1][1] / points[0][1]
        said = say_health(points)
        assert ("gradient vanishes" in said) == (kind == "rnn"), said
    assert far["rnn"] < 1e-3 < far["gru"]


@pytest.mark.parametrize(
    ("norms", "word"),
    [
        ([1.0, 0.5, 2e-3], "neither"),
        ([1.0, 0.1, 5e-4], "gradient vanishes"),
        ([1.0, 0.1, 0.0], "gradient vanishes"),
        ([1.0, 1e2, 2e3], "gradient explodes"),
        ([1.0, 1e2, float("nan")], "gradient explodes"),
        ([1.0], "too short"),
    ],
)
def test_the_report_says_which_it_is(norms: list[float], word: str) -> None:
    assert word in say_health([(float(lag), norm) for lag, norm in enumerate(norms)])


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_gates_solve_the_adding_problem(kind: str) -> None:
    found = adding.train(kind, length=20, seed=0, steps=600)
    assert found.error < 0.01 < adding.GUESS / 10
