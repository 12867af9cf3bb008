"""Roles: layers say where they stand, parameters remember it, and Muon keeps to the middle."""

import copy

import pytest
import torch
from torch import nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.image import ImageShape
from tutelage.core.shape.table import TableShape
from tutelage.model.arch.base import Model
from tutelage.model.arch.cnn import Cnn
from tutelage.model.arch.linear import Linear
from tutelage.model.arch.mlp import MLP
from tutelage.model.arch.resnet import Resnet
from tutelage.model.layers.roles import mark
from tutelage.optim.muon import Muon
from tutelage.optim.roles import declare_roles, role_of

SMALL = ImageShape(channels=1, height=28, width=28)
PHOTO = ImageShape(channels=3, height=96, width=96)
TABLE = TableShape(numbers=3, cardinalities=(4, 100))


def hidden(network: nn.Module) -> list[str]:
    """What Muon orthogonalizes."""
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    groups = Muon().build(list(network.named_parameters())).param_groups
    return [names[id(p)] for group in groups if group["algorithm"] == "muon" for p in group["params"]]


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (Cnn(), SMALL),
        (Cnn(dropout=0.2), PHOTO),
        (Resnet(), PHOTO),
        (Resnet(), SMALL),
        (Resnet(stem_stride=1), SMALL),
        (MLP(members=16), TABLE),
        (MLP(members=16, numbers="plain"), TABLE),
        (MLP(), TABLE),
        (MLP(), SMALL),
        (MLP(members=4), TableShape(numbers=0, cardinalities=(4, 100))),
        (MLP(hidden=()), TABLE),
        (MLP(hidden=(), members=2), SMALL),
        (MLP(hidden=(8,)), SMALL),
        (Linear(), SMALL),
    ],
)
def test_our_architectures_declare_what_their_order_said_before(model: Model, shape: Shape) -> None:
    network = model.build(shape, 3)
    by_position = [name for name, parameter in network.named_parameters() if parameter.ndim >= 2][1:-1]
    assert hidden(network) == by_position  # nothing is declared on the parameters yet
    declare_roles(network)
    assert hidden(network) == by_position
    matrices = [parameter for parameter in network.parameters() if parameter.ndim >= 2]
    assert role_of(matrices[-1]) == "output"
    assert len(matrices) == 1 or role_of(matrices[0]) == "input"


class HeadFirst(nn.Module):
    """A network of one's own whose layers are not made in the order of their use."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(8, 2)
        self.head.role = "output"  # type: ignore[assignment]
        self.words = nn.Embedding(50, 8)
        self.places = nn.Embedding(10, 8)
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8)


def test_declared_roles_outweigh_the_order() -> None:
    network = HeadFirst()
    assert hidden(network) == ["words.weight", "places.weight", "first.weight"]
    declare_roles(network)
    assert hidden(network) == ["first.weight", "second.weight"]


def test_roles_live_on_modules_so_that_copies_and_moves_keep_them() -> None:
    network = HeadFirst()
    moved = copy.deepcopy(network).to(torch.float64)
    declare_roles(moved)
    assert hidden(moved) == ["first.weight", "second.weight"]


def test_a_role_holds_for_all_below_that_say_nothing_else() -> None:
    network = nn.Sequential(mark(nn.Sequential(nn.Linear(2, 2), mark(nn.Linear(2, 2), "output")), "input"), nn.Linear(2, 2))
    declare_roles(network)
    assert [role_of(parameter) for parameter in network.parameters()] == ["input", "input", "output", "output", "", ""]


def test_an_attribute_that_means_something_else_is_no_role() -> None:
    network = nn.Sequential(nn.Linear(2, 2))
    network[0].role = "teacher"  # type: ignore[assignment]
    declare_roles(network)
    assert role_of(network[0].weight) == ""
