"""Image architectures: shapes, sizes, what they refuse, and that they learn."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tutelage.core.errors import RecipeError
from tutelage.core.shape.array import ArrayShape
from tutelage.core.shape.image import ImageShape
from tutelage.model.arch.base import Model
from tutelage.model.arch.cnn import Cnn
from tutelage.model.arch.resnet import Resnet
from tutelage.model.layers.convolution import GlobalPool, Residual, count_halvings
from tutelage.optim.muon import Muon

SMALL: list[Model] = [Cnn(stem=4, widths=(6, 8)), Resnet(stem=4, widths=(6, 8))]


def numbered(*sizes: int) -> torch.Tensor:
    images = torch.randn(sizes, generator=torch.Generator().manual_seed(0))
    return images.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("model", SMALL, ids=lambda model: model.kind)
@pytest.mark.parametrize(("height", "width"), [(4, 4), (5, 9), (8, 8), (28, 28), (31, 64), (97, 96)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_image_size_gives_one_row_of_outputs_each(model: Model, height: int, width: int, channels: int) -> None:
    network = model.build(ImageShape(channels=channels, height=height, width=width), 5)
    output = network(numbered(3, channels, height, width))
    assert output.shape == (3, 5)
    assert output.isfinite().all()


@pytest.mark.parametrize("model", SMALL, ids=lambda model: model.kind)
def test_other_inputs_are_refused_with_a_way_out(model: Model) -> None:
    with pytest.raises(RecipeError, match="mlp"):
        model.build(ArrayShape(sizes=(8,)), 2)
    with pytest.raises(RecipeError, match="at least 4x4"):
        model.build(ImageShape(channels=1, height=3, width=8), 2)


@pytest.mark.parametrize("model", [Cnn(), Resnet()], ids=lambda model: model.kind)
def test_the_same_seed_gives_the_same_weights(model: Model) -> None:
    networks = []
    for _ in range(2):
        torch.manual_seed(3)
        networks.append(model.build(ImageShape(channels=1, height=12, width=12), 2))
    for one, two in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("model", SMALL, ids=lambda model: model.kind)
def test_every_parameter_gets_a_gradient_within_two_steps(model: Model) -> None:
    network = model.build(ImageShape(channels=1, height=16, width=16), 3)
    optimizer = Muon().build(list(network.named_parameters()))
    for _ in range(2):
        optimizer.zero_grad()
        F.cross_entropy(network(numbered(8, 1, 16, 16)), torch.arange(8) % 3).backward()
        optimizer.step()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("model", SMALL, ids=lambda model: model.kind)
def test_lower_precision_and_channels_last_give_nearly_the_same(model: Model) -> None:
    torch.manual_seed(0)
    network = model.build(ImageShape(channels=3, height=16, width=16), 3).eval()
    image = numbered(4, 3, 16, 16)
    expected = network(image)
    network = network.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        output = network(image)
    # bfloat16 keeps 8 bits, errors of some layers add up.
    torch.testing.assert_close(output.float(), expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("model", SMALL, ids=lambda model: model.kind)
def test_a_few_images_are_learned_by_heart(model: Model) -> None:
    torch.manual_seed(0)
    network = model.but(dropout=0.0).build(ImageShape(channels=1, height=8, width=8), 4)
    optimizer = Muon(lr=0.05, adam_lr=0.02).build(list(network.named_parameters()))
    image, target = numbered(16, 1, 8, 8), torch.arange(16) % 4
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(image), target)
        loss.backward()
        optimizer.step()
    assert loss < 0.05


@pytest.mark.parametrize(("side", "most", "expected"), [(4, 3, 1), (8, 3, 2), (28, 3, 3), (28, 9, 3), (96, 4, 4), (3, 3, 0)])
def test_images_are_halved_down_to_two_pixels(side: int, most: int, expected: int) -> None:
    assert count_halvings(side, side + 5, most=most) == expected


def test_a_residual_branch_begins_as_its_activation_alone() -> None:
    x = numbered(2, 4, 6, 6)
    torch.testing.assert_close(Residual(4, depth=2, activation="relu")(x), x.relu(), rtol=0, atol=0)


def test_global_pool_gives_the_largest_or_the_mean() -> None:
    x = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    assert GlobalPool("max")(x).tolist() == [[6.0]]
    assert GlobalPool("mean")(x).tolist() == [[3.0]]


def test_sizes_are_those_of_the_settings() -> None:
    network = Cnn(stem=3, widths=(5, 7), depth=3, dropout=0.5).build(ImageShape(channels=1, height=28, width=28), 10)
    shapes = [tuple(m.weight.shape) for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert shapes == [(3, 1, 3, 3), (5, 3, 3, 3)] + [(5, 5, 3, 3)] * 2 + [(7, 5, 3, 3)] + [(7, 7, 3, 3)] * 2
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [0.5]
    deep = Resnet(stem=3, widths=(5,), depth=2, branches=3, dropout=0.0).build(ImageShape(channels=3, height=96, width=96), 2)
    assert len([m for m in deep.modules() if isinstance(m, nn.Conv2d)]) == 1 + 1 + 3 * 2
    first = next(m for m in deep.modules() if isinstance(m, nn.Conv2d))
    assert (first.kernel_size, first.stride) == ((4, 4), (2, 2))
