"""What weights tell of their training, read before the first step and after the last one."""

import pytest
import torch
from torch import nn

from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.optim.schedule.constant import Constant
from tutelage.optim.sgd import SGD
from tutelage.task.base import Phase
from tutelage.task.supervised import SupervisedTask
from tutelage.training.control import Control
from tutelage.training.state import TrainState
from tutelage.training.step import Step, StepOptions
from tutelage.training.vitals import Vitals, dead_units


def state(model: nn.Module) -> TrainState:
    phase = Phase(owns=("model.",), optim=SGD(lr=0.1), schedule=Constant(warmup=0))
    task = SupervisedTask(model, loss=CrossEntropy().build(), input_names=("x",), phase=phase)
    stream: object = None
    return TrainState(task, Step(task, StepOptions()), stream, Control(1))  # type: ignore[arg-type]


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def test_a_weight_that_nothing_happened_to_has_not_moved() -> None:
    layers = Vitals(state(net())).layers()
    assert [layer.name for layer in layers] == ["model.0.weight", "model.2.weight"]
    assert [layer.moved for layer in layers] == [0.0, 0.0]
    assert not any(layer.are_alike for layer in layers)


def test_how_far_a_weight_moved_is_told_relative_to_its_size() -> None:
    model = net()
    vitals = Vitals(state(model))
    with torch.no_grad():
        model[0].weight.mul_(1.5)
    assert [round(layer.moved, 6) for layer in vitals.layers()] == [0.5, 0.0]


def test_a_large_weight_is_judged_by_some_of_its_numbers() -> None:
    model = nn.Sequential(nn.Linear(300, 100))
    vitals = Vitals(state(model))
    with torch.no_grad():
        model[0].weight.mul_(-1)
    assert vitals.layers()[0].moved == pytest.approx(2.0)


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_units_with_equal_weights_are_alike(value: float) -> None:
    model = net()
    nn.init.constant_(model[0].weight, value)
    layers = Vitals(state(model)).layers()
    assert [layer.are_alike for layer in layers] == [True, False]
    with torch.no_grad():
        model[0].weight[3, 2] += 0.01
        model[0].weight[2, 1] += 0.01
    assert not Vitals(state(model)).layers()[0].are_alike


def test_weights_that_begin_at_zero_are_measured_by_what_is_usual() -> None:
    model = net()
    nn.init.zeros_(model[0].weight)
    vitals = Vitals(state(model))
    nn.init.constant_(model[0].weight, 1e-6)
    assert vitals.layers()[0].moved == pytest.approx(1e-6 * 6**0.5)


def test_rectifiers_that_answer_nothing_are_found_and_the_network_is_left_as_it_was() -> None:
    model = net()
    with torch.no_grad():
        model[0].bias[:6] = -1e3
        model[0].weight[6:] = 0.0
        model[0].bias[6:] = 1.0
    batch = torch.randn(16, 6)
    found = dead_units(model, lambda: model(batch))
    assert [(layer.name, layer.num_units, layer.dead) for layer in found] == [("1", 8, 0.75)]
    assert not model[1]._forward_hooks
    assert dead_units(model, lambda: None) == ()


def test_channels_of_pictures_are_units_too() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    with torch.no_grad():
        model[0].bias[:2] = -1e3
        model[0].bias[2:] = 1e3
    (layer,) = dead_units(model, lambda: model(torch.rand(2, 1, 8, 8)))
    assert (layer.num_units, layer.dead) == (4, 0.5)
