"""Groups split parameters by dimension and keep their order."""

import pytest
import torch
from torch import nn

from tutelage.core import catalog
from tutelage.optim.fused import can_fuse
from tutelage.optim.groups import decay_groups, scale_rates


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


@pytest.mark.parametrize("kind", ["adamw", "muon", "sgd"])
def test_smaller_rates_go_by_name_and_change_nothing_else(kind: str) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    named = list(network.named_parameters())
    optimizer = catalog.load("optim", kind)().build(named)
    usual = {id(parameter): dict(group) for group in optimizer.param_groups for parameter in group["params"]}
    scale_rates(optimizer, named, {"0.": 0.25, "1.": 0.5, "1.bias": 0.125})
    found = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
    assert found.keys() == usual.keys()
    for name, parameter in named:
        factor = 0.125 if name == "1.bias" else {"0": 0.25, "1": 0.5, "2": 1.0}[name[0]]
        assert found[id(parameter)]["lr"] == usual[id(parameter)]["lr"] * factor
        others = {key: value for key, value in found[id(parameter)].items() if key not in ("lr", "initial_lr", "params")}
        assert others == {key: value for key, value in usual[id(parameter)].items() if key in others}
    network(torch.ones(2, 3)).sum().backward()
    before = [parameter.detach().clone() for parameter in network.parameters()]
    optimizer.step()
    assert all(not torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))
