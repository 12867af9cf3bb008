"""Which modules are told as layers: the smallest, or the blocks of a deep network; each with its parameters."""

import torch
from torch import nn

from tutelage.training.followed import Call
from tutelage.training.layers import kind_of_layer, layers_of, owner_of


class Block(nn.Module):
    """Two layers and a sum: [B, D] -> [B, D]."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(3, 5), nn.Linear(5, 3, bias=False)
        self.rest = nn.Dropout(0.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x and what the layers add."""
        added: torch.Tensor = self.rest(self.down(self.up(x)))
        return x + added


def calls_of(network: nn.Module) -> list[Call]:
    calls: list[Call] = []
    for name, module in network.named_modules():
        module.register_forward_hook(
            lambda module, inputs, output, name=name: calls.append(
                Call(name, module, (), tuple(output.shape), [], [], 0.0, 0.0, 0.0, 0.0, 0.0)
            )
        )
    network(torch.zeros(2, 3))
    return calls


def names(calls: list[Call]) -> list[str]:
    return [call.name for call in calls]


def test_the_smallest_modules_are_told_in_the_order_of_their_work() -> None:
    found = layers_of(calls_of(nn.Sequential(Block(), nn.ReLU(), Block())), limit=60)
    assert names(found) == ["0.up", "0.down", "1", "2.up", "2.down"]


def test_a_deep_network_is_told_by_its_blocks() -> None:
    network = nn.Sequential(*[Block() for _ in range(10)])
    assert names(layers_of(calls_of(network), limit=12)) == [str(number) for number in range(10)]
    assert len(layers_of(calls_of(network), limit=4)) == 4


def test_a_single_layer_is_the_network_itself() -> None:
    assert names(layers_of(calls_of(nn.Linear(3, 1)), limit=60)) == [""]


def test_a_layer_is_told_in_words() -> None:
    block = Block()
    assert kind_of_layer(block) == ("Block", "Two layers and a sum")
    assert kind_of_layer(block.up)[1].endswith("plus a bias")
    assert not kind_of_layer(block.down)[1].endswith("plus a bias")
    assert kind_of_layer(nn.Fold(1, 1)) == ("Fold", "")


def test_a_parameter_belongs_to_the_longest_name() -> None:
    assert owner_of("1.up.weight", ["1", "1.up", "11"]) == "1.up"
    assert owner_of("11.weight", ["1"]) == ""
