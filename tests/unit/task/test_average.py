"""The moving average: its count stays on the CPU, survives saving, and weights move as they should."""

import copy

import torch
from torch import nn

from tutelage.task.average import Average


def test_the_count_stays_on_the_cpu_wherever_the_module_goes() -> None:
    average = Average(nn.Linear(3, 2), decay=0.9)
    average.follow(nn.Linear(3, 2))
    for moved in (average.to("meta"), copy.deepcopy(average).to("meta").to(torch.float64), nn.Sequential(average).to("meta")[0]):
        assert moved.num_updates.device.type == "cpu"
        assert int(moved.num_updates) == 1
        assert moved.module.weight.device.type == "meta"


def test_the_count_is_saved_and_put_back() -> None:
    fast = nn.Linear(3, 2)
    one = Average(fast, decay=0.99)
    for _ in range(5):
        one.follow(fast)
    state = {name: tensor.clone() for name, tensor in one.state_dict().items()}
    assert int(state["num_updates"]) == 5
    two = Average(nn.Linear(3, 2), decay=0.99)
    two.load_state_dict(state)
    with torch.no_grad():
        fast.weight.add_(1)
    one.follow(fast)
    two.follow(fast)
    assert all(torch.equal(one.state_dict()[name], tensor) for name, tensor in two.state_dict().items())


def test_the_average_warms_up_and_then_keeps_its_decay() -> None:
    fast = nn.Linear(1, 1, bias=False)
    average = Average(fast, decay=0.5)
    slow = average.module.weight.item()
    with torch.no_grad():
        fast.weight.fill_(7.0)
    for count in (1, 2, 3, 50):
        while int(average.num_updates) < count:
            slow += (1 - min(0.5, (2 + int(average.num_updates)) / (11 + int(average.num_updates)))) * (7 - slow)
            average.follow(fast)
    assert abs(average.module.weight.item() - slow) < 1e-4
