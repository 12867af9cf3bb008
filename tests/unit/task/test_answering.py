"""Answers for all rows, batch by batch: in the order of the rows, also where they are computed in another."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tutelage.data.prepare.padding import Pad
from tutelage.data.rows.base import Rows
from tutelage.data.rows.dense import DenseRows
from tutelage.data.rows.ragged import RaggedRows, join
from tutelage.task.answering import answer_batches

TEXTS = [np.arange(row * 5 % 11) for row in range(23)]


class Sums(nn.Module):
    """Answers with the sum of a row's tokens and its number; remembers the shapes it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.pad = Pad("token")
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        assert not self.training
        padded = self.pad(batch)
        self.shapes.append(tuple(padded["token"].shape))
        return torch.stack([padded["token"].sum(1), padded["mask"].sum(1)], dim=1)


@pytest.mark.parametrize("pool", [1, 2, 64])
def test_ragged_rows_are_answered_in_batches_of_like_lengths_and_in_their_order(
    pool: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutelage.task.answering.POOL_BATCHES", pool)
    module = Sums().train()
    found = list(answer_batches(module, RaggedRows({"token": join(TEXTS)}), batch_size=4))
    assert torch.equal(torch.cat([numbers for numbers, _ in found]), torch.arange(23))
    assert torch.cat([answers for _, answers in found]).tolist() == [[text.sum(), len(text)] for text in TEXTS]
    assert [len(numbers) for numbers, _ in found] == [4, 4, 4, 4, 4, 3]
    assert module.training
    if pool == 64:
        lengths = sorted(len(text) for text in TEXTS)
        assert [shape[1] for shape in module.shapes] == [max(lengths[begin : begin + 4]) for begin in range(0, 23, 4)]


class Same(nn.Module):
    """Answers with the row itself."""

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        return batch["x"]


@pytest.mark.parametrize("rows", [DenseRows({"x": torch.arange(10.0)}), DenseRows({"x": torch.zeros(0)})])
def test_rows_of_equal_size_are_answered_one_batch_after_another(rows: Rows) -> None:
    found = list(answer_batches(Same(), rows, batch_size=4))
    assert [numbers.tolist() for numbers, _ in found] == [list(range(10))[begin : begin + 4] for begin in range(0, len(rows), 4)]
    assert all(torch.equal(numbers.float(), answers) for numbers, answers in found)
