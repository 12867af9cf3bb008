"""Clipping scales gradients together by norm, or holds each entry."""

import pytest
import torch
from torch import nn

from tutelage.optim.clip import clip_norm, clip_value


def parameters() -> list[nn.Parameter]:
    first, second, third = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1, 1)), nn.Parameter(torch.zeros(3))
    first.grad, second.grad = torch.tensor([3.0, 0.0]), torch.tensor([[-4.0]])
    return [first, second, third]


def gradient(parameter: nn.Parameter) -> list[float]:
    assert parameter.grad is not None
    return parameter.grad.flatten().tolist()  # type: ignore[no-any-return]


def test_a_large_norm_is_brought_to_the_limit_and_the_direction_kept() -> None:
    chosen = parameters()
    assert float(clip_norm(chosen, limit=1.0)) == pytest.approx(5.0)
    assert gradient(chosen[0]) == pytest.approx([0.6, 0.0], rel=1e-5)
    assert gradient(chosen[1]) == pytest.approx([-0.8], rel=1e-5)
    assert chosen[2].grad is None


def test_a_small_norm_is_left_as_it_is() -> None:
    chosen = parameters()
    clip_norm(chosen, limit=10.0)
    assert gradient(chosen[0]) == [3.0, 0.0]
    assert gradient(chosen[1]) == [-4.0]


def test_a_norm_that_is_not_finite_is_reported_not_raised() -> None:
    chosen = parameters()
    assert chosen[0].grad is not None
    chosen[0].grad[0] = torch.inf
    assert not torch.isfinite(clip_norm(chosen, limit=1.0))


def test_entries_are_held_within_the_limit() -> None:
    chosen = parameters()
    clip_value(chosen, limit=2.5)
    assert gradient(chosen[0]) == [2.5, 0.0]
    assert gradient(chosen[1]) == [-2.5]
