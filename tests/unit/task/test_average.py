"""The moving average: its count survives saving, and weights move as they should."""

import torch
from torch import nn

from tutelage.task.average import Average


def test_where_only_the_device_knows_the_average_follows_updates_that_were_made_and_no_others() -> None:
    torch.manual_seed(0)
    fast = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    known, masked = Average(fast, decay=0.7), Average(fast, decay=0.7)
    for made in (1.0, 0.0, 1.0, 1.0, 0.0):
        with torch.no_grad():
            fast[0].weight.add_(1)
        if made:
            known.follow(fast)
        masked.follow(fast, made=torch.tensor(made))
    assert int(masked.num_updates) == 3
    for name, tensor in known.state_dict().items():
        torch.testing.assert_close(masked.state_dict()[name], tensor, rtol=1e-6, atol=0)  # another order of rounding


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
