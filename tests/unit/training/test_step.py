"""The step: micro-batches, weights, phases, and what a phase may touch."""

import warnings

import pytest
import torch
from torch import nn

from tutelage.core import catalog
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.optim.adam import Adam
from tutelage.optim.schedule.constant import Constant
from tutelage.optim.sgd import SGD
from tutelage.task.base import Phase
from tutelage.task.generate import Generate, GenerateTask
from tutelage.task.supervised import SupervisedTask
from tutelage.training.ledger import Ledger
from tutelage.training.step import MAX_CONSTANTS, Step, StepOptions

PHASE = Phase(owns=("model.",), optim=SGD(lr=0.1, momentum=0.0, weight_decay=0.0), schedule=Constant(warmup=0))


def weights_after(num_micro: int, *, weight: torch.Tensor | None = None) -> torch.Tensor:
    torch.manual_seed(0)
    task = SupervisedTask(nn.Linear(5, 3), input_names=("x",), phase=PHASE, loss=CrossEntropy().build())
    batch = {"x": torch.randn(11, 5), "target": torch.arange(11) % 3}
    if weight is not None:
        batch["weight"] = weight
    Step(task, StepOptions(num_micro=num_micro))(("fit",), batch, 0.0)
    return task.model.weight.detach()


@pytest.mark.parametrize("num_micro", [2, 3, 11])
def test_micro_batches_give_the_gradient_of_the_whole_batch(num_micro: int) -> None:
    torch.testing.assert_close(weights_after(num_micro), weights_after(1), rtol=0, atol=1e-6)  # rounding of float32 sums


@pytest.mark.parametrize("num_micro", [2, 4])
def test_micro_batches_respect_sample_weights(num_micro: int) -> None:
    weight = torch.linspace(0, 3, 11)
    torch.testing.assert_close(weights_after(num_micro, weight=weight), weights_after(1, weight=weight), rtol=0, atol=1e-6)


def test_equal_sample_weights_change_nothing() -> None:
    torch.testing.assert_close(weights_after(1, weight=torch.full((11,), 7.0)), weights_after(1), rtol=0, atol=1e-6)


def test_one_step_equals_a_hand_written_one() -> None:
    torch.manual_seed(0)
    model = nn.Linear(5, 3)
    x, target = torch.randn(11, 5), torch.arange(11) % 3
    nn.functional.cross_entropy(model(x), target).backward()
    expected = model.weight.detach() - 0.1 * model.weight.grad
    torch.testing.assert_close(weights_after(1), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("phase", "other"), [("critic", "generator"), ("generator", "critic")])
def test_a_phase_moves_only_what_it_owns(phase: str, other: str) -> None:
    torch.manual_seed(0)
    optim = SGD(lr=0.1, momentum=0.0)
    phases = {name: Phase(owns=(f"{name}.",), optim=optim, schedule=Constant(warmup=0)) for name in ("critic", "generator")}
    task = GenerateTask(Generate(latent_size=4, critic_steps=1), generator=nn.Linear(4, 2), critic=nn.Linear(2, 1), phases=phases)
    before = {name: parameter.clone() for name, parameter in task.named_parameters()}
    batch = task.draw({"sample": torch.randn(8, 2)}, torch.Generator().manual_seed(0))
    Step(task, StepOptions())((phase,), batch, 0.0)
    moved = {name.split(".")[0] for name, parameter in task.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved == {phase}
    assert all(parameter.grad is None for name, parameter in task.named_parameters() if name.startswith(other))


def test_the_weight_average_follows_and_answers() -> None:
    torch.manual_seed(0)
    task = SupervisedTask(nn.Linear(5, 3), input_names=("x",), phase=PHASE, loss=CrossEntropy().build(), ema=0.5)
    batch = {"x": torch.randn(11, 5), "target": torch.arange(11) % 3}
    step = Step(task, StepOptions())
    start = task.model.weight.detach().clone()
    step(("fit",), batch, 0.0)
    assert task.average is not None
    share = 1 - min(0.5, 2 / 11)
    torch.testing.assert_close(task.average.module.weight, start + share * (task.model.weight - start))
    assert task.network() is task.average.module


def gan_after(backward: str, num_micro: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    optim = Adam(lr=1e-2)
    phases = {name: Phase(owns=(f"{name}.",), optim=optim, schedule=Constant(warmup=0)) for name in ("critic", "generator")}

    def network(num_inputs: int, num_outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(num_inputs, 16), nn.ReLU(), nn.Linear(16, num_outputs))

    task = GenerateTask(Generate(latent_size=4, critic_steps=1), generator=network(4, 2), critic=network(2, 1), phases=phases)
    step = Step(task, StepOptions(backward=backward, num_micro=num_micro))  # type: ignore[arg-type]
    for number in range(10):
        generator = torch.Generator().manual_seed(number)
        batch = task.draw({"sample": torch.randn(8, 2, generator=generator)}, generator)
        step(task.beat(number), batch, 0.0)
        assert all(parameter.grad is None for parameter in task.parameters())
    return {name: parameter.detach() for name, parameter in task.named_parameters()}


@pytest.mark.parametrize("num_micro", [1, 2])
def test_gradients_of_everything_give_the_same_bits_as_those_of_the_phases_own(num_micro: int) -> None:
    owned, whole = gan_after("owned", num_micro), gan_after("whole", num_micro)
    assert all(torch.equal(owned[name], value) for name, value in whole.items())


def test_what_another_phase_has_gathered_survives_a_whole_backward_pass() -> None:
    phases = {name: Phase(owns=(f"{name}.",), optim=SGD(), schedule=Constant(warmup=0)) for name in ("critic", "generator")}
    task = GenerateTask(Generate(latent_size=4, critic_steps=1), generator=nn.Linear(4, 2), critic=nn.Linear(2, 1), phases=phases)
    gathered = torch.full((1, 2), 3.0)
    task.critic.weight.grad = gathered
    batch = task.draw({"sample": torch.randn(8, 2)}, torch.Generator().manual_seed(0))
    Step(task, StepOptions(backward="whole"))(("generator",), batch, 0.0)
    assert task.critic.weight.grad is gathered
    assert gathered.eq(3.0).all()


def test_weights_that_differ_in_each_batch_do_not_pile_up() -> None:
    task = SupervisedTask(nn.Linear(5, 3), input_names=("x",), phase=PHASE, loss=CrossEntropy().build())
    step = Step(task, StepOptions())
    for size in range(1, 3 * MAX_CONSTANTS):
        step(("fit",), {"x": torch.zeros(size, 5), "target": torch.zeros(size, dtype=torch.int64)}, 0.0)
    assert len(step._constants) == MAX_CONSTANTS
    assert float(step._reciprocal(7.0)) == torch.tensor(1 / 7).item()


@pytest.mark.gpu
@pytest.mark.parametrize("num_micro", [1, 2])
@pytest.mark.parametrize("optim", ["sgd", "adamw", "nadam", "muon"])
def test_the_host_never_waits_for_the_card_within_a_step(num_micro: int, optim: str) -> None:
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8), nn.Linear(8, 3))
    phase = Phase(owns=("model.",), optim=catalog.load("optim", optim)(), schedule=Constant(), clip=1.0)
    task = SupervisedTask(model, input_names=("x",), phase=phase, loss=CrossEntropy().build(), ema=0.9).cuda()
    step, ledger = Step(task, StepOptions(device="cuda", num_micro=num_micro)), Ledger()
    batch = {"x": torch.randn(12, 5).cuda(), "target": (torch.arange(12) % 3).cuda()}
    ledger.add(step(("fit",), batch, 0.0))  # constants are sent once, and kernels are loaded
    torch.cuda.synchronize()
    try:
        with warnings.catch_warnings():
            # Torch says once that it may miss some waits.
            warnings.filterwarnings("ignore", "Synchronization debug mode", UserWarning)
            torch.cuda.set_sync_debug_mode("error")
        for number in range(5):
            ledger.add(step(("fit",), batch, number / 5))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert ledger.flush()["loss"] > 0
