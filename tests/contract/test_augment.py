"""Every augmentation changes inputs by its generator alone, a whole batch at once, and only what it says that it suits."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tutelage.core import catalog
from tutelage.core.shape.base import Shape
from tutelage.data.augment.base import Augment
from tutelage.model.example import example_batch

KINDS = catalog.names("augment")
SHAPES: dict[str, Shape] = {kind: catalog.load("shape", kind)() for kind in catalog.names("shape")}
SIZE = 6


def augment(kind: str) -> Augment:
    component: Augment = catalog.load("augment", kind)()
    return component


def pairs(*, suited: bool) -> list[Any]:
    """Each augmentation with each shape that it says that it suits, or does not."""
    return [
        pytest.param(kind, shape, id=f"{kind}-{shape}")
        for kind in KINDS
        for shape in SHAPES
        if augment(kind).suits(SHAPES[shape]) == suited
    ]


PAIRS = pairs(suited=True)


def batch_of(shape: str, size: int = SIZE, *, device: str = "cpu") -> dict[str, Tensor]:
    """Inputs with what stands beside them."""
    inputs = {
        name: tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor
        for name, tensor in example_batch(SHAPES[shape], size, device=device).items()
    }
    beside = {"target": torch.arange(size, device=device), "weight": torch.full((size,), 0.5, device=device)}
    return inputs | beside


def apply(component: Augment, batch: dict[str, Tensor], *, seed: int = 0) -> dict[str, Tensor]:
    return component.apply(dict(batch), torch.Generator().manual_seed(seed))


def is_same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return list(first) == list(second) and all(torch.equal(first[name], second[name]) for name in first)


def test_every_augmentation_suits_some_shape() -> None:
    for kind in KINDS:
        assert any(augment(kind).suits(shape) for shape in SHAPES.values()), kind


@pytest.mark.parametrize(("kind", "shape"), pairs(suited=False))
def test_where_it_says_that_it_does_not_suit_it_cannot_be_made(kind: str, shape: str) -> None:
    with pytest.raises((KeyError, ValueError, IndexError, RuntimeError)):
        apply(augment(kind), batch_of(shape))


@pytest.mark.parametrize(("kind", "shape"), PAIRS)
def test_the_same_seed_gives_the_same_bits_whatever_was_drawn_elsewhere(kind: str, shape: str) -> None:
    component, batch = augment(kind), batch_of(shape)
    torch.manual_seed(1)
    first, state = apply(component, batch, seed=7), torch.get_rng_state()
    torch.manual_seed(2)
    assert is_same(apply(component, batch, seed=7), first)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state), "it drew from torch's own generator"


@pytest.mark.parametrize(("kind", "shape"), PAIRS)
def test_names_sizes_types_and_everything_beside_the_inputs_stay(kind: str, shape: str) -> None:
    component, batch = augment(kind), batch_of(shape)
    before = {name: tensor.clone() for name, tensor in batch.items()}
    after = apply(component, batch)
    assert is_same(batch, before), "the batch that was given is changed"
    assert list(after) == list(batch)
    for name, tensor in after.items():
        assert (tensor.shape, tensor.dtype, tensor.device) == (batch[name].shape, batch[name].dtype, batch[name].device)
        assert torch.isfinite(tensor).all()
    for name in ("target", "weight"):
        assert torch.equal(after[name], batch[name])


@pytest.mark.parametrize(("kind", "shape"), PAIRS)
def test_it_runs_where_the_batch_is(kind: str, shape: str) -> None:
    after = apply(augment(kind), batch_of(shape, device="meta"))
    assert {tensor.device.type for tensor in after.values()} == {"meta"}


@pytest.mark.gpu
@pytest.mark.parametrize(("kind", "shape"), PAIRS)
def test_a_seed_means_the_same_on_a_gpu(kind: str, shape: str) -> None:
    component = augment(kind)
    there = apply(component, batch_of(shape, device="cuda"))
    for name, tensor in apply(component, batch_of(shape)).items():
        # Resampling rounds otherwise on other hardware: float32, values of size 1.
        torch.testing.assert_close(there[name].cpu(), tensor, rtol=0, atol=1e-3)


@pytest.mark.parametrize(("kind", "shape"), PAIRS)
def test_a_row_depends_on_itself_and_its_own_draws_only(kind: str, shape: str) -> None:
    component, batch = augment(kind), batch_of(shape)
    names = [name for name in SHAPES[shape].tensors if batch[name].numel()]
    other = {name: tensor.clone() for name, tensor in batch.items()}
    for name in names:
        other[name][2] = 0
    first, second = apply(component, batch), apply(component, other)
    rest = torch.tensor([row for row in range(SIZE) if row != 2])
    for name in names:
        assert torch.equal(first[name][rest], second[name][rest])


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize(("kind", "shape"), PAIRS)
def test_small_batches_are_batches_too(kind: str, shape: str, size: int) -> None:
    after = apply(augment(kind), batch_of(shape, size))
    assert {len(tensor) for tensor in after.values()} == {size}


@pytest.mark.parametrize(("kind", "shape"), PAIRS)
def test_equal_rows_get_draws_of_their_own_and_seeds_differ(kind: str, shape: str) -> None:
    component, batch = augment(kind), batch_of(shape, 32)
    if is_same(apply(component, batch), batch):
        pytest.skip("changes nothing")
    alike = {name: tensor[:1].expand(32, *tensor.shape[1:]).contiguous() for name, tensor in batch.items()}
    after = apply(component, alike)
    assert any(
        not torch.equal(tensor[0], row) for name, tensor in after.items() if name in SHAPES[shape].tensors for row in tensor
    )
    assert not is_same(apply(component, batch, seed=1), apply(component, batch, seed=2))
