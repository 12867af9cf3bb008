"""A quick step of Adam has the bits of torch's, whatever happens to state and gradients in between."""

import copy

import pytest
import torch
from torch import Tensor, nn

from tutelage.optim.quick_adam import QuickAdam


def pair(**settings: bool) -> tuple[list[nn.Parameter], list[nn.Parameter], QuickAdam, torch.optim.Adam]:
    torch.manual_seed(0)
    left = [nn.Parameter(torch.randn(4, 3)), nn.Parameter(torch.randn(5))]
    right = [nn.Parameter(each.detach().clone()) for each in left]
    groups = [
        [{"params": [one], "weight_decay": decay} for one, decay in zip(side, (0.1, 0.0), strict=True)] for side in (left, right)
    ]
    return left, right, QuickAdam(groups[0], fused=True, **settings), torch.optim.Adam(groups[1], fused=True, **settings)


def give(parameters: list[nn.Parameter], gradients: list[Tensor | None]) -> None:
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else gradient.clone()


@pytest.mark.parametrize("settings", [{}, {"decoupled_weight_decay": True}, {"amsgrad": True}, {"maximize": True}])
def test_it_has_the_bits_of_torch(settings: dict[str, bool]) -> None:
    left, right, quick, known = pair(**settings)
    for number in range(12):
        gradients: list[Tensor | None] = [torch.randn(4, 3), None if number == 5 else torch.randn(5)]
        for side in (left, right):
            give(side, gradients)
        quick.quick_step()
        known.step()
        if number == 7:
            for optimizer in (quick, known):
                optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        if number == 9:
            for optimizer in (quick, known):
                optimizer.state.clear()
        for group in (*quick.param_groups, *known.param_groups):
            group["lr"] *= 0.9
        assert all(torch.equal(one, other) for one, other in zip(left, right, strict=True))


def test_hooks_are_called_at_each_step() -> None:
    left, _, quick, _ = pair()
    seen: list[str] = []
    quick.register_step_post_hook(lambda *_: seen.append("after"))
    handle = quick.register_step_pre_hook(lambda *_: seen.append("before"))
    for number in range(3):
        if number == 2:
            handle.remove()
        give(left, [torch.randn(4, 3), torch.randn(5)])
        quick.quick_step()
    assert seen == ["before", "after", "before", "after", "after"]
