"""A refused update leaves no trace, whoever refuses it, whatever the optimizer; counts survive."""

import copy

import pytest
import torch
from torch import Tensor, nn

from tutelage.core import catalog
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.optim.schedule.constant import Constant
from tutelage.task.base import Phase
from tutelage.task.supervised import SupervisedTask
from tutelage.training.refusals import Refusals
from tutelage.training.step import Step, StepOptions

OPTIMS = catalog.names("optim")
ON_DEVICE = ("adagrad", "adam", "adamw", "muon", "sgd")
"""Optimizers that a device can refuse for on a CPU too; the others keep their counts there only on a card."""


def training(optim: str, refuse: str, *, clip: float = 0.0, num_micro: int = 1) -> tuple[SupervisedTask, Step]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8), nn.Linear(8, 3))
    phase = Phase(owns=("model.",), optim=catalog.load("optim", optim)(), schedule=Constant(warmup=0), clip=clip)
    task = SupervisedTask(model, input_names=("x",), phase=phase, loss=CrossEntropy().build(), ema=0.9)
    return task, Step(task, StepOptions(refuse=refuse, num_micro=num_micro))  # type: ignore[arg-type]


def batch(number: int, *, is_bad: bool = False) -> dict[str, Tensor]:
    x = torch.randn(12, 5, generator=torch.Generator().manual_seed(number))
    if is_bad:
        x[7, 2] = torch.nan
    return {"x": x, "target": torch.arange(12) % 3}


def everything(task: SupervisedTask, step: Step) -> dict[str, Tensor]:
    update = step.updates["fit"]
    moments = {
        f"{name}/{part}": torch.as_tensor(value)
        for name, parameter in update.named
        for part, value in update.optimizer.state[parameter].items()
        if value is not None
    }
    return copy.deepcopy({**task.state_dict(), **moments})


@pytest.mark.parametrize("clip", [0.0, 1.0])
@pytest.mark.parametrize(("optim", "refuse"), [*((name, "host") for name in OPTIMS), *((name, "device") for name in ON_DEVICE)])
def test_a_training_with_a_refused_step_equals_one_without_it(optim: str, refuse: str, clip: float) -> None:
    def after(steps: dict[int, bool]) -> dict[str, Tensor]:
        task, step = training(optim, refuse, clip=clip)
        for number, is_bad in steps.items():
            assert bool(step(("fit",), batch(number, is_bad=is_bad), 0.0).refused) is is_bad
        return everything(task, step)

    refused = after({0: True, 1: True, 2: False, 3: False, 4: True, 5: False})
    without = after({2: False, 3: False, 5: False})
    assert without.keys() == refused.keys()
    assert not [name for name, value in without.items() if not torch.equal(value, refused[name])]


@pytest.mark.parametrize("refuse", ["host", "device"])
@pytest.mark.parametrize("num_micro", [1, 3])
def test_a_refused_step_adds_nothing_to_the_sums_of_the_loss(refuse: str, num_micro: int) -> None:
    _, step = training("adamw", refuse, num_micro=num_micro)
    step(("fit",), batch(0), 0.0)
    report = step(("fit",), batch(1, is_bad=True), 0.0)
    assert float(report.totals["fit"]) == 0.0
    assert float(report.weights["fit"]) == 0.0


def test_a_gradient_that_is_not_finite_is_refused_though_the_loss_is_finite() -> None:
    task, step = training("adamw", "host")
    task.model[3].weight.register_hook(lambda gradient: gradient * torch.inf)  # type: ignore[index, union-attr]
    before = everything(task, step)
    assert step(("fit",), batch(0), 0.0).refused is True
    assert all(torch.equal(value, before[name]) for name, value in everything(task, step).items())


def test_running_statistics_that_overflow_are_refused_though_loss_and_gradient_are_finite() -> None:
    task, step = training("sgd", "host")
    before = everything(task, step)
    poisoned = batch(0)
    poisoned["x"] = poisoned["x"] * 1e25
    assert step(("fit",), poisoned, 0.0).refused is True
    assert all(torch.equal(value, before[name]) for name, value in everything(task, step).items())


def test_rows_are_counted_in_all_and_in_a_row() -> None:
    refusals = Refusals()
    for refused in (True, True, False, True):
        refusals.add(refused)
    assert refusals.look() == (3, 1)
    again = Refusals()
    again.restore(refusals.state())
    assert (again.total, again.in_a_row) == (3, 1)
    refusals.forget_row()
    assert refusals.look() == (3, 0)


def test_what_a_device_counts_is_seen_one_look_later_also_after_a_resume() -> None:
    straight, resumed = Refusals(), Refusals()
    seen: list[list[tuple[int, int]]] = [[], []]
    for number, refused in enumerate((0.0, 1.0, 1.0, 0.0, 1.0, 0.0)):
        for counts, looks in zip((straight, resumed), seen, strict=True):
            counts.add(torch.tensor(refused))
            looks.append(counts.look())
        if number == 2:
            state = resumed.state()
            resumed = Refusals()
            resumed.restore(state)
    assert seen[0] == seen[1] == [(0, 0), (0, 0), (1, 1), (2, 2), (2, 0), (3, 1)]
