"""Tensors laid side by side stay the tensors they were, and what is kept comes back."""

import pytest
import torch
from torch import Tensor, nn

from tutelage.training.before import Before
from tutelage.training.flat import Kept, lay_together


def small() -> list[Tensor]:
    return [torch.arange(3.0), torch.ones(2, 2), torch.full((), 7.0), torch.zeros(0)]


def test_tensors_laid_together_keep_numbers_shapes_and_identity_and_change_with_the_whole() -> None:
    tensors = small()
    before = [tensor.clone() for tensor in tensors]
    whole = lay_together(tensors)
    assert whole is not None
    assert all(torch.equal(one, other) and one.shape == other.shape for one, other in zip(tensors, before, strict=True))
    tensors[1][0, 1] = 5.0
    assert whole.tolist() == [0, 1, 2, 1, 5, 1, 1, 7]
    whole.mul_(2)
    assert tensors[0].tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    "shared", [torch.arange(6.0)[:3], torch.arange(6.0).view(2, 3).t()], ids=["part of another", "not in one piece"]
)
def test_what_shares_its_memory_stays_where_it_is(shared: Tensor) -> None:
    tensors = [*small(), shared]
    places = [tensor.data_ptr() for tensor in tensors]
    assert lay_together(tensors) is None
    assert [tensor.data_ptr() for tensor in tensors] == places


@pytest.mark.parametrize("together", [False, True])
def test_what_is_kept_comes_back(together: bool) -> None:
    tensors = [*small(), torch.tensor([1, 2])]
    kept = Kept(tensors, together=together)
    for round_ in range(2):
        for tensor in tensors:
            tensor.add_(1)
        wanted = [tensor.clone() for tensor in tensors]
        kept.keep()
        for tensor in tensors:
            tensor.mul_(3)
        kept.put_back()
        assert all(torch.equal(one, other) for one, other in zip(tensors, wanted, strict=True)), round_


class Draws(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(2)


def test_random_numbers_come_back_also_of_who_begins_late_to_draw() -> None:
    before = Before(Draws(), "cpu")
    for step in range(40):
        before.keep()
        if step > 20:
            drawn = torch.rand(2)
            before.put_back_random()
            assert torch.equal(torch.rand(2), drawn)


class Looks(nn.Module):
    """Looks at a part of its own buffer through a view."""

    def __init__(self) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", torch.zeros(4))
        self.first = self.table[:2]


def test_the_buffers_of_other_modules_stay_where_they_are_and_come_back() -> None:
    module = Looks()
    before = Before(module, "cpu")
    module.table.add_(3.0)
    assert module.first.tolist() == [3.0, 3.0]
    before.put_back_buffers()
    assert module.table.tolist() == [0.0] * 4
    assert module.first.tolist() == [0.0, 0.0]


def test_buffers_are_found_together_and_told_finite_by_one_tensor() -> None:
    module = Draws()
    before = Before(module, "cpu")
    assert len(before.checked_flat) == 1
    assert module.norm.running_var is not None
    module.norm.running_var[1] = torch.inf
    assert not before.checked_flat[0].isfinite().all()
