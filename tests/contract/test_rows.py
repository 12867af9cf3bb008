"""Every kind of rows gives the rows it is asked for, in that order, without sharing memory, and says how long they are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tutelage.data.rows.base import LENGTH, PLACE, Rows
from tutelage.data.rows.dense import DenseRows
from tutelage.data.rows.labelled import LabelledRows
from tutelage.data.rows.mapped import MappedRows
from tutelage.data.rows.ragged import Pieces, RaggedRows, join
from tutelage.data.rows.selected import SelectedRows
from tutelage.data.rows.stacked import StackedRows
from tutelage.data.rows.windows import WindowRows

NUM_ROWS = 7
DENSE = np.arange(NUM_ROWS * 6, dtype=np.float32).reshape(NUM_ROWS, 2, 3)
PIECES = [np.arange(length, dtype=np.int32) + 10 * row for row, length in enumerate([3, 0, 5, 1, 2, 4, 3])]


def mapped(array: np.ndarray, folder: Path) -> np.ndarray:
    path = folder / f"{len(list(folder.iterdir()))}.npy"
    np.save(path, array)
    loaded: np.ndarray = np.load(path, mmap_mode="r")
    return loaded


def ragged(folder: Path, *, is_mapped: bool) -> Rows:
    pieces = join(PIECES)
    return RaggedRows({"x": Pieces(mapped(pieces.values, folder) if is_mapped else pieces.values, pieces.offsets)})


KINDS: dict[str, Callable[[Path], Rows]] = {
    "dense": lambda folder: DenseRows({"x": torch.from_numpy(DENSE)}),
    "mapped": lambda folder: MappedRows({"x": mapped(DENSE, folder)}),
    "ragged": lambda folder: ragged(folder, is_mapped=False),
    "mapped ragged": lambda folder: ragged(folder, is_mapped=True),
    "windows": lambda folder: WindowRows(np.arange(23, dtype=np.uint8), length=5, stride=3),
    "mapped windows": lambda folder: WindowRows(mapped(np.arange(23, dtype=np.uint8), folder), length=5, stride=3),
    "selected": lambda folder: SelectedRows(DenseRows({"x": torch.from_numpy(DENSE)}), np.arange(NUM_ROWS)[::-1]),
    "selected ragged": lambda folder: SelectedRows(ragged(folder, is_mapped=True), np.arange(NUM_ROWS)[::-1]),
    "stacked": lambda folder: StackedRows(*(DenseRows({"x": torch.from_numpy(part)}) for part in (DENSE[:3], DENSE[3:]))),
    "stacked ragged": lambda folder: StackedRows(*(RaggedRows({"x": join(part)}) for part in (PIECES[:3], PIECES[3:]))),
    "labelled": lambda folder: LabelledRows(ragged(folder, is_mapped=True), {"target": torch.arange(NUM_ROWS)}),
}


@pytest.fixture(params=KINDS)
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> Rows:
    made: Rows = KINDS[request.param](tmp_path)
    return made


def one_by_one(rows: Rows, numbers: list[int]) -> dict[str, torch.Tensor]:
    """Return the rows taken alone, put together."""
    alone = [rows.take(torch.tensor([number])) for number in numbers]
    longest = {name: max((batch[name] for batch in alone), key=len) for name in alone[0] if name.endswith(PLACE)}
    return {name: longest.get(name, torch.cat([batch[name] for batch in alone])) for name in alone[0]}


def test_rows_come_in_the_order_they_are_asked_for(rows: Rows) -> None:
    assert len(rows) == NUM_ROWS
    numbers = [4, 0, 6, 4, 1]
    batch, expected = rows.take(torch.tensor(numbers)), one_by_one(rows, numbers)
    assert batch.keys() == expected.keys()
    for name, tensor in batch.items():
        assert torch.equal(tensor, expected[name]), name
        assert tensor.dtype == expected[name].dtype
        assert tensor.device.type == "cpu"


def test_no_row_can_be_asked_for(rows: Rows) -> None:
    batch = rows.take(torch.tensor([], dtype=torch.int64))
    assert batch.keys() == rows.take(torch.arange(2)).keys()
    assert all(len(tensor) == 0 for tensor in batch.values())


def test_what_is_done_to_a_batch_is_not_done_to_the_rows(rows: Rows) -> None:
    before = rows.take(torch.arange(NUM_ROWS))
    for tensor in rows.take(torch.arange(NUM_ROWS)).values():
        tensor.fill_(99)
    after = rows.take(torch.arange(NUM_ROWS))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_lengths_are_those_of_the_pieces(rows: Rows) -> None:
    batch = rows.take(torch.arange(NUM_ROWS))
    if rows.lengths is None:
        assert not any(name.endswith((LENGTH, PLACE)) for name in batch)
    else:
        assert rows.lengths.tolist() == batch["x" + LENGTH].tolist()
        assert batch["x" + PLACE].tolist() == list(range(max(rows.lengths)))
        assert len(batch["x"]) == sum(rows.lengths)


def test_rows_on_a_disk_say_so(tmp_path: Path) -> None:
    on_disk = [kind for kind, make in KINDS.items() if make(tmp_path).is_on_disk]
    assert on_disk == ["mapped", "mapped ragged", "mapped windows", "selected ragged", "labelled"]


def test_values_are_right() -> None:
    assert WindowRows(np.arange(23), length=5, stride=3).take(torch.tensor([6]))["token"].tolist() == [[18, 19, 20, 21, 22]]
    assert len(WindowRows(np.arange(4), length=5, stride=3)) == 0
    batch = RaggedRows({"x": join(PIECES)}).take(torch.tensor([4, 1, 0]))
    assert batch["x"].tolist() == [40, 41, 0, 1, 2]
    assert batch["x" + LENGTH].tolist() == [2, 0, 3]


def test_a_row_of_several_pieces_is_as_long_as_the_longest() -> None:
    short = join([piece[:2] for piece in PIECES])
    lengths = RaggedRows({"x": join(PIECES), "y": short}).lengths
    assert lengths is not None
    assert lengths.tolist() == [len(piece) for piece in PIECES]
