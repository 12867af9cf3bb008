"""A small net is the module that it was made of, and sees its weights change."""

import pytest
import torch
from torch import nn

from tutelage.core.shape.observation import ObservationShape
from tutelage.model.arch.mlp import MLP
from tutelage.model.layers.bfloat16_products import Bfloat16Products
from tutelage.model.layers.observation import ObservationScale
from tutelage.model.layers.small_net import Room, SmallNet

SEEN = ObservationShape(sizes=(3, 2))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (8,), (64, 32)])
@pytest.mark.parametrize("rows", [1, 16, 500])
def test_it_answers_as_the_module_does(activation: str, hidden: tuple[int, ...], rows: int) -> None:
    module = MLP(hidden=hidden, activation=activation, dropout=0.0).build(SEEN, 2)  # type: ignore[arg-type]
    small = SmallNet.of(module)
    assert small is not None
    seen = torch.randn(rows, 3, 2)
    for _ in range(2):
        expected = module(seen).detach()
        torch.testing.assert_close(small(seen), expected)
        torch.testing.assert_close(small.forward(seen)[0], expected)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(0.1)
    module.load_state_dict({key: value + 1 for key, value in module.state_dict().items()})
    torch.testing.assert_close(small(seen), module(seen).detach())
    for parameter in module.parameters():
        parameter.data = parameter.data.clone().neg_()
    torch.testing.assert_close(small(seen), module(seen).detach())


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_wide_products_in_bfloat16_round_answers_and_gradients_a_little(activation: str) -> None:
    torch.manual_seed(0)
    module = MLP(hidden=(256, 256), activation=activation, dropout=0.0).build(SEEN, 2)  # type: ignore[arg-type]
    small, seen, slope = SmallNet.of(module, bfloat16=Bfloat16Products()), torch.randn(256, 6), torch.randn(256, 2)
    assert small is not None
    module(seen).backward(slope)
    for _ in range(2):  # The second time in memory that was used before.
        into = [torch.empty_like(parameter) for parameter in small.parameters]
        answers, kept = small.forward(seen)
        small.backward(slope, kept, into=into)
        expected = [module(seen).detach(), *(parameter.grad for parameter in module.parameters())]
        for exact, found in zip(expected, [answers, *into], strict=True):
            assert exact is not None
            error = float((found - exact).norm() / exact.norm())
            assert error < 0.06
        wide = float((into[2] - expected[3]).abs().max())  # type: ignore[operator]
        assert wide > 0
    few = seen[:16]
    torch.testing.assert_close(small.forward(few)[0], module(few).detach())


def test_gradients_by_weights_and_inputs_are_those_of_autograd() -> None:
    module = MLP(hidden=(16, 8), activation="tanh", dropout=0.0).build(SEEN, 2)
    small, seen, slope = SmallNet.of(module), torch.randn(7, 6, requires_grad=True), torch.randn(7, 2)
    assert small is not None
    module(seen).backward(slope)
    into = [torch.empty_like(parameter) for parameter in small.parameters]
    by_input = small.backward(slope, small.forward(seen.detach())[1], into=into, inputs=slice(None))
    for parameter, found in zip(small.parameters, into, strict=True):
        torch.testing.assert_close(found, parameter.grad)
    assert by_input is not None
    torch.testing.assert_close(by_input, seen.grad)


@pytest.mark.parametrize("rows", [[], [4], [0, 2, 5, 6]])
def test_the_gradient_by_some_inputs_and_for_some_rows_is_that_of_autograd(rows: list[int]) -> None:
    module = MLP(hidden=(16, 8), activation="relu", dropout=0.0).build(ObservationShape(sizes=(40,)), 1)
    small, seen, slope = SmallNet.of(module), torch.randn(7, 40, requires_grad=True), torch.randn(len(rows), 1)
    assert small is not None
    module(seen)[rows].backward(slope)
    assert seen.grad is not None
    for asked in (slice(38, None), slice(5, 35)):
        _, kept = small.forward(seen.detach())
        by_input = small.backward(slope, kept, inputs=asked, rows_B=torch.tensor(rows, dtype=torch.int64))
        assert by_input is not None
        torch.testing.assert_close(by_input, seen.grad[rows, asked])


def test_networks_that_share_memory_do_not_disturb_what_another_room_keeps() -> None:
    module = MLP(hidden=(16, 8), activation="relu", dropout=0.0).build(SEEN, 2)
    room, slopes = Room(), Room()
    small, other = SmallNet.of(module, slopes=slopes), SmallNet.of(module, slopes=slopes)
    assert small is not None
    assert other is not None
    _, kept = small.forward(torch.randn(5, 6), room)
    before = [values.clone() for values in kept]
    other.forward(torch.randn(9, 6))
    other.forward(torch.randn(5, 6))
    assert all(torch.equal(*pair) for pair in zip(kept, before, strict=True))
    small.forward(torch.randn(3, 6), room)
    assert not torch.equal(kept[1], before[1]), "what a room keeps holds until it is asked for again"


def test_anything_else_is_none() -> None:
    assert SmallNet.of(nn.Linear(3, 2)) is None
    assert SmallNet.of(MLP(hidden=(8,), activation="gelu", dropout=0.0).build(SEEN, 2)) is None
    assert SmallNet.of(MLP(hidden=(8,), activation="tanh", dropout=0.1).build(SEEN, 2)) is None
    assert SmallNet.of(MLP(hidden=(8,), activation="tanh", dropout=0.0, norm="layer").build(SEEN, 2)) is None
    assert SmallNet.of(MLP(hidden=(8,), activation="tanh", dropout=0.0, members=2).build(SEEN, 2)) is None
    assert SmallNet.of(MLP(hidden=(8,), activation="tanh", dropout=0.0).build(SEEN, 2).double()) is None
    assert SmallNet.of(MLP(hidden=(4096,), activation="tanh", dropout=0.0).build(SEEN, 2)) is None


def test_a_scale_without_autograd_is_the_scale_and_follows_it() -> None:
    scale = ObservationScale((3,), are_pixels=False)
    for _ in range(3):
        seen = 100 * torch.randn(50, 3)
        torch.testing.assert_close(scale.quick(seen), scale(seen))
        scale.learn(torch.randn(20, 3) * 5 + 2)
    scale.load_state_dict({key: value + 1 for key, value in scale.state_dict().items()})
    torch.testing.assert_close(scale.quick(seen), scale(seen))
    pixels = ObservationScale((1, 2, 2), are_pixels=True)
    assert torch.equal(pixels.quick(torch.full((1, 1, 2, 2), 255, dtype=torch.uint8)), torch.ones(1, 1, 2, 2))
