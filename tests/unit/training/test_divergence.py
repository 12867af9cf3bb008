"""What is done about numbers from which nothing can be learned: told, put back, given up."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.stand_ins import Told, small_training
from tutelage.core.emitter import Emitter
from tutelage.core.errors import DivergedError
from tutelage.core.events import Event, Refused, RolledBack, Warned
from tutelage.core.stopping import Stopping
from tutelage.optim.sgd import SGD
from tutelage.task.base import Task
from tutelage.training.divergence import DivergenceJob
from tutelage.training.jobs import EvaluateJob, LogJob
from tutelage.training.loop import Job, run_loop
from tutelage.training.rollback import is_sound
from tutelage.training.saving import SaveJob
from tutelage.training.state import TrainState, digest

STEPS = 60


class TrainLoss:
    """An evaluator: the mean loss on all rows."""

    name = "val"

    def __init__(self, x: Tensor, target: Tensor) -> None:
        self.x, self.target = x, target

    def __len__(self) -> int:
        return len(self.x)

    @torch.no_grad()
    def __call__(self, task: Task) -> dict[str, float]:
        return {"val/loss": float(nn.functional.cross_entropy(task.network()(self.x), self.target))}

    def events(self, task: Task, step: int) -> tuple[Event, ...]:
        return ()


class Spoiled(nn.Module):
    """Two layers, of which the second gives NaN for a row whose first number is 99."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.spoil, self.last = nn.Linear(4, 8), Spoil(), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.last(self.spoil(self.first(x), x[:, :1] == 99))
        return scores


class Spoil(nn.Module):
    """Gives NaN where it is told."""

    def forward(self, hidden: Tensor, where: Tensor) -> Tensor:
        return hidden.masked_fill(where, torch.nan)


def data(*, spoiled_rows: tuple[int, ...] = ()) -> dict[str, Tensor]:
    x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    target = x[:, :3].argmax(dim=1)
    x[list(spoiled_rows), 0] = 99
    return {"x": x, "target": target}


def training(
    *, lr: float = 0.1, model: Callable[[], nn.Module] = Spoiled, rows: dict[str, Tensor] | None = None
) -> tuple[TrainState, list[Job], Told]:
    torch.manual_seed(0)
    state = small_training(model(), rows or data(), optim=SGD(lr=lr, weight_decay=0), steps=STEPS, ema=0.5)
    clean = data()
    return (state, *jobs_for(state, TrainLoss(clean["x"], clean["target"])))


def jobs_for(state: TrainState, evaluator: TrainLoss) -> tuple[list[Job], Told]:
    memory, step = Told(), state.clock.step
    emitter = Emitter([memory], started=time.monotonic())
    divergence = DivergenceJob(emitter, step=step, say_row=lambda row: f"train.csv row {row}")
    evaluate = EvaluateJob(emitter, [evaluator], stopping=Stopping(), every=10, step=step)
    return [divergence, LogJob(emitter, every=2, step=step, watch=divergence.look_at_line), evaluate], memory


def told(memory: Told, kind: type[Event]) -> list[Event]:
    return [event for event in memory.events if isinstance(event, kind)]


def is_finite(state: TrainState) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in state.task.state_dict().values())


def poison(state: TrainState) -> None:
    with torch.no_grad():
        state.task.get_parameter("model.last.weight").fill_(torch.nan)


def test_a_bad_row_costs_its_batches_only_and_is_named_with_its_layer() -> None:
    state, jobs, memory = training(rows=data(spoiled_rows=(17,)))
    run_loop(state, jobs=jobs, seed=0)
    refused = told(memory, Refused)
    assert state.refusals.total == 8  # 7.5 epochs
    assert "layer 'model.spoil'" in refused[0].message  # type: ignore[attr-defined]
    assert "train.csv row 17" in refused[0].message  # type: ignore[attr-defined]
    assert is_finite(state)
    assert not state.control.rollbacks


def test_looking_for_the_cause_changes_nothing() -> None:
    state, jobs, _ = training(rows=data(spoiled_rows=(17,)))
    run_loop(state, jobs=jobs, seed=0, until_step=9)
    plain, _, _ = training(rows=data(spoiled_rows=(17,)))
    run_loop(plain, jobs=(), seed=0, until_step=9)
    assert all(torch.equal(value, plain.task.state_dict()[name]) for name, value in state.task.state_dict().items())


def test_weights_that_are_not_finite_are_put_back_after_three_steps_and_training_ends_well() -> None:
    state, jobs, memory = training()
    run_loop(state, jobs=jobs, seed=0, until_step=24)
    good = {name: tensor.clone() for name, tensor in state.good.items()}
    poison(state)
    run_loop(state, jobs=jobs, seed=0, until_step=27)
    (event,) = told(memory, RolledBack)
    assert (event.step, event.good_step, event.rate) == (27, 20, 0.5)  # type: ignore[attr-defined]
    assert "'model.last.weight'" in event.message  # type: ignore[attr-defined]
    assert all(torch.equal(tensor, state.task.state_dict()[name]) for name, tensor in good.items())
    run_loop(state, jobs=jobs, seed=0)
    assert state.control.stop_reason == "budget"
    assert state.control.best_score is not None
    assert state.control.best_score < 0.5


@pytest.mark.parametrize("cut", [22, 25, 26, 27, 28, 31])
def test_a_training_that_is_put_back_resumes_with_the_same_bits(cut: int) -> None:
    def straight(*, until: int | None) -> TrainState:
        state, jobs, _ = training()
        run_loop(state, jobs=jobs, seed=0, until_step=24 if until is None else min(until, 24))
        if until is None or until >= 24:
            poison(state)
            run_loop(state, jobs=jobs, seed=0, until_step=until)
        return state

    whole, half = straight(until=None), straight(until=cut)
    state, _, _ = training()
    state.restore(half.snapshot())
    jobs, _ = jobs_for(state, TrainLoss(data()["x"], data()["target"]))
    if cut < 24:
        run_loop(state, jobs=jobs, seed=0, until_step=24)
        poison(state)
    run_loop(state, jobs=jobs, seed=0)
    assert whole.control.rollbacks == (27,)
    assert digest(state.snapshot()) == digest(whole.snapshot())


def test_a_loss_that_explodes_without_overflow_is_put_back() -> None:
    state, jobs, memory = training(lr=1e3)
    with pytest.raises(DivergedError, match=r"loss = .* before anything was learned\..* 3 times before"):
        run_loop(state, jobs=jobs, seed=0)
    assert len(told(memory, RolledBack)) == 3


def test_after_three_times_training_ends_with_what_was_found_and_the_best_weights() -> None:
    state, jobs, memory = training()
    run_loop(state, jobs=jobs, seed=0, until_step=20)
    best = {name: tensor.clone() for name, tensor in state.best.items()}

    class Poison:
        next_step = 0

        def run(self, state: TrainState) -> None:
            poison(state)

    with pytest.raises(
        DivergedError, match=r"(in step \d+|between steps \d+ and \d+): 3 updates in a row .* 3 times before"
    ) as caught:
        run_loop(state, jobs=[*jobs, Poison()], seed=0)
    assert caught.value.step == 33
    assert len(told(memory, RolledBack)) == 3
    assert all(torch.equal(tensor, state.best[name]) for name, tensor in best.items())


def test_weights_that_are_not_finite_are_neither_evaluated_nor_saved(tmp_path: Path) -> None:
    state, jobs, memory = training()
    save = SaveJob(Emitter([memory], started=time.monotonic()), tmp_path, every_seconds=0, step=0)
    run_loop(state, jobs=[*jobs, save], seed=0, until_step=28)
    poison(state)
    save.secure(state)
    save.save(state)
    messages = [event.message for event in memory.events if isinstance(event, Warned)]
    assert len([text for text in messages if text.startswith("step 28: ") and "no checkpoint is made" in text]) == 1
    assert [path.stem for path in sorted((tmp_path / "steps").glob("*.safetensors"))][-1] == "000000028"
    state.clock.step = 30
    jobs[2].run(state)
    assert is_finite(state)
    assert state.control.rollbacks == (30,)
    save.close()


def test_on_a_device_a_resumed_training_looks_where_an_undisturbed_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    state, _, memory = training()
    monkeypatch.setattr(type(state.step), "knows_at_once", property(lambda _: False))
    looks: list[int] = []
    look = state.refusals.look

    def noting() -> tuple[int, int]:
        looks.append(state.clock.step)
        return look()

    monkeypatch.setattr(type(state.refusals), "look", lambda _: noting())
    for begun in (0, 5):
        job = DivergenceJob(Emitter([memory], started=time.monotonic()), step=begun)
        for state.clock.step in range(begun + 1, 13):
            if state.clock.step == job.next_step:
                job.run(state)
    assert looks == [1, 4, 8, 12, 8, 12]


class Masked(nn.Module):
    """A module with a mask among its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 3)
        self.mask = nn.Parameter(torch.tensor([-torch.inf, 0.0, 0.0]), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.last(x) + self.mask.masked_fill(self.mask < 0, 0.0)
        return scores


def test_a_mask_among_the_weights_is_no_divergence() -> None:
    state, jobs, _ = training(model=Masked)
    run_loop(state, jobs=jobs, seed=0)
    assert is_sound(state)
    assert not state.control.rollbacks
    poison(state)
    assert not is_sound(state)


def test_where_weights_are_split_nobody_looks_for_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    state, jobs, memory = training(rows=data(spoiled_rows=(17,)))
    state.step.updates["fit"].is_split = True
    monkeypatch.setattr(type(state.step), "_refused", lambda step, update, objective: not bool(objective.total.isfinite()))
    run_loop(state, jobs=jobs, seed=0)
    refused = told(memory, Refused)
    assert refused
    assert not any("layer" in event.message for event in refused)  # type: ignore[attr-defined]
