"""Groups split parameters by dimension and keep their order."""

import torch
from torch import nn

from tutelage.optim.fused import can_fuse
from tutelage.optim.groups import decay_groups


def named(**shapes: tuple[int, ...]) -> list[tuple[str, nn.Parameter]]:
    return [(name, nn.Parameter(torch.zeros(shape))) for name, shape in shapes.items()]


def test_matrices_decay_and_vectors_and_scalars_do_not() -> None:
    parameters = named(a=(2, 2), b=(2,), c=(2, 3, 4, 4), d=())
    decayed, kept = decay_groups(parameters, learning_rate=0.1, weight_decay=0.5)
    assert [id(p) for p in decayed["params"]] == [id(parameters[0][1]), id(parameters[2][1])]
    assert [id(p) for p in kept["params"]] == [id(parameters[1][1]), id(parameters[3][1])]
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.5, 0.0)
    assert decayed["lr"] == decayed["initial_lr"] == kept["initial_lr"] == 0.1


def test_empty_groups_are_left_out() -> None:
    assert len(decay_groups(named(a=(2, 2)), learning_rate=0.1, weight_decay=0.5)) == 1
    assert len(decay_groups(named(b=(2,)), learning_rate=0.1, weight_decay=0.5)) == 1


def test_fusing_needs_real_numbers_on_a_device_with_kernels() -> None:
    assert can_fuse(named(a=(2, 2)))
    assert not can_fuse([*named(a=(2, 2)), ("z", nn.Parameter(torch.zeros(2, dtype=torch.complex64)))])
    assert not can_fuse([("m", nn.Parameter(torch.zeros(2, device="meta")))])
