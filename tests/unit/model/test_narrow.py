"""Channels that do nothing leave without a trace; layers whose channels go elsewhere too keep theirs."""

import pytest
import torch
from torch import nn

from tutelage.core import catalog
from tutelage.model.example import example_batch
from tutelage.model.layers.convolution import Residual
from tutelage.model.narrow import narrowed, narrowed_to


def _net() -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 6, 3, padding=1, bias=False), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(6, 10), nn.Tanh(), nn.Linear(10, 3),
    )  # fmt: skip
    for _ in range(3):
        net(torch.randn(16, 1, 8, 8))
    return net.eval()


def test_channels_without_weight_leave_and_no_answer_changes() -> None:
    net = _net()
    with torch.no_grad():
        for layer, dead in ((net[0], [0, 3, 5, 6]), (net[8], [1, 2, 4, 7, 9])):
            layer.weight[dead] = 0  # type: ignore[operator, index, union-attr]
            layer.bias[dead] = 0  # type: ignore[operator, index, union-attr]
        # A channel that is always 0 leaves its norm as a constant, which has to be 0 too.
        net[2].bias[[0, 3, 5, 6]] = net[2].running_mean[[0, 3, 5, 6]] = 0  # type: ignore[operator, index, union-attr]
    x = torch.randn(5, 1, 8, 8)
    made = narrowed(net, (x,), share=0.5)
    assert made.layers == {"0": (8, 4), "8": (10, 5)}
    with torch.no_grad():
        torch.testing.assert_close(made.network(x), net(x), rtol=1e-5, atol=1e-5)
    assert sum(p.numel() for p in made.network.parameters()) < sum(p.numel() for p in net.parameters())
    assert len(net[0].weight) == 8  # type: ignore[arg-type]


def test_each_layer_keeps_as_many_of_its_largest_channels_as_are_asked_for() -> None:
    net = _net()
    with torch.no_grad():
        net[0].weight[[0, 3]] = net[0].bias[[0, 3]] = 0  # type: ignore[operator, index, union-attr]
        net[2].bias[[0, 3]] = net[2].running_mean[[0, 3]] = 0  # type: ignore[operator, index, union-attr]
    x = torch.randn(5, 1, 8, 8)
    made = narrowed_to(net, (x,), sizes={"0": 6, "4": 9, "other": 1})
    assert made.layers == {"0": (8, 6)}, "a layer that is to be wider keeps what it has"
    with torch.no_grad():
        torch.testing.assert_close(made.network(x), net(x), rtol=1e-5, atol=1e-5)


def test_what_is_added_to_something_else_keeps_its_width() -> None:
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), Residual(8, depth=2, activation="relu"), nn.Conv2d(8, 2, 3)).eval()
    made = narrowed(net, (torch.randn(2, 1, 8, 8),), share=0.5)
    assert list(made.layers) == ["1.branch.0.0"]
    assert made.network(torch.randn(2, 1, 8, 8)).shape == (2, 2, 6, 6)


def test_a_layer_that_is_used_twice_keeps_its_width() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(self.first(self.first(x)))  # type: ignore[no-any-return]

    assert narrowed(Twice().eval(), (torch.randn(2, 4),), share=0.5).layers == {}


@pytest.mark.parametrize(("model", "count"), [("cnn", 7), ("resnet", 1), ("mlp", 3), ("linear", 0)])
def test_architectures_of_images_still_answer(model: str, count: int) -> None:
    shape = catalog.load("shape", "image")(height=12, width=12, channels=3)
    net = catalog.load("model", model)().build(shape, 4).eval()
    batch = tuple(example_batch(shape, 3).values())
    made = narrowed(net, batch, share=0.5)
    assert len(made.layers) == count
    assert made.network(*batch).shape == (3, 4)
    made.network.train()(*batch).sum().backward()
