"""Ragged batches as a model takes them: padded, with a mask, each row the same whatever batch it is in."""

import numpy as np
import pytest
import torch
from torch import nn

from tutelage.data.prepare.padding import Pad
from tutelage.data.rows.ragged import RaggedRows, join

PIECES = [np.array(piece, dtype=np.uint16) for piece in ([1, 2, 3], [], [4, 5, 6, 7, 8], [9])]


def padded(numbers: list[int], **settings: object) -> dict[str, torch.Tensor]:
    rows = RaggedRows({"token": join(PIECES)})
    pad = Pad("token", dtype=torch.int64, **settings)  # type: ignore[arg-type]
    batch: dict[str, torch.Tensor] = pad(rows.take(torch.tensor(numbers)) | {"target": torch.tensor(numbers)})
    return batch


def test_rows_are_padded_to_the_longest_and_masked() -> None:
    batch = padded([0, 3, 1], value=-1)
    assert batch["token"].tolist() == [[1, 2, 3], [9, -1, -1], [-1, -1, -1]]
    assert batch["mask"].tolist() == [[True] * 3, [True, False, False], [False] * 3]
    assert batch["target"].tolist() == [0, 3, 1]
    assert set(batch) == {"token", "mask", "target"}
    assert batch["token"].dtype == torch.int64


@pytest.mark.parametrize(("numbers", "length"), [([0], 4), ([2, 0], 8), ([1], 4), ([1, 1], 4)])
def test_lengths_are_rounded_up_so_that_shapes_are_few(numbers: list[int], length: int) -> None:
    assert padded(numbers, multiple=4)["token"].shape == (len(numbers), length)


def test_a_row_is_the_same_in_every_batch() -> None:
    alone, among = padded([0]), padded([2, 0, 3])
    assert torch.equal(among["token"][1, :3], alone["token"][0])
    assert among["token"][1, 3:].tolist() == [0, 0]
    assert among["mask"][1].tolist() == [True] * 3 + [False] * 2


def test_nothing_but_empty_rows_still_has_a_place() -> None:
    assert padded([1, 1])["mask"].tolist() == [[False], [False]]


def test_several_names_of_several_dimensions_are_padded_one_after_another() -> None:
    points = [np.ones((length, 2), dtype=np.float32) * length for length in (2, 1, 3, 1)]
    rows = RaggedRows({"token": join(PIECES), "point": join(points)})
    pad = nn.Sequential(Pad("token", dtype=torch.int64), Pad("point", mask="point_mask"))
    batch = pad(rows.take(torch.tensor([1, 0])))
    assert batch["token"].tolist() == [[0, 0, 0], [1, 2, 3]]
    assert batch["point"].tolist() == [[[1.0, 1.0], [0.0, 0.0]], [[2.0, 2.0], [2.0, 2.0]]]
    assert batch["point_mask"].tolist() == [[True, False], [True, True]]


def test_learning_from_padded_rows_reaches_their_values() -> None:
    values = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    batch = {"x": values, "x_length": torch.tensor([1, 2]), "x_place": torch.arange(2)}
    (Pad("x")(batch)["x"] * torch.tensor([[1.0, 10.0], [2.0, 3.0]])).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [1.0, 2.0, 3.0]
