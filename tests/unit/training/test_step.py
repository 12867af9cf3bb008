"""The step: micro-batches, weights, phases, and what a phase may touch."""

import pytest
import torch
from torch import nn

from tutelage.optim.schedule.constant import Constant
from tutelage.optim.sgd import SGD
from tutelage.task.base import Phase
from tutelage.task.classify import Classify
from tutelage.task.gan import Gan
from tutelage.training.step import Step, StepOptions

PHASE = Phase(owns=("model.",), optim=SGD(lr=0.1, momentum=0.0, weight_decay=0.0), schedule=Constant(warmup=0))


def weights_after(num_micro: int, *, weight: torch.Tensor | None = None) -> torch.Tensor:
    torch.manual_seed(0)
    task = Classify().build(nn.Linear(5, 3), input_names=("x",), phase=PHASE)
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
    task = Gan(latent_size=4).build(
        generator=nn.Linear(4, 2), critic=nn.Linear(2, 1), critic_phase=phases["critic"], generator_phase=phases["generator"]
    )
    before = {name: parameter.clone() for name, parameter in task.named_parameters()}
    batch = task.draw({"sample": torch.randn(8, 2)}, torch.Generator().manual_seed(0))
    Step(task, StepOptions())((phase,), batch, 0.0)
    moved = {name.split(".")[0] for name, parameter in task.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved == {phase}
    assert all(parameter.grad is None for name, parameter in task.named_parameters() if name.startswith(other))


def test_the_weight_average_follows_and_answers() -> None:
    torch.manual_seed(0)
    task = Classify(ema=0.5).build(nn.Linear(5, 3), input_names=("x",), phase=PHASE)
    batch = {"x": torch.randn(11, 5), "target": torch.arange(11) % 3}
    step = Step(task, StepOptions())
    start = task.model.weight.detach().clone()
    step(("fit",), batch, 0.0)
    assert task.average is not None
    share = 1 - min(0.5, 2 / 11)
    torch.testing.assert_close(task.average.module.weight, start + share * (task.model.weight - start))
    averaged = torch.softmax(task.average.module(batch["x"]), dim=-1)
    torch.testing.assert_close(task.predict((batch["x"],)), averaged)
