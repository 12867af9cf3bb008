"""The stream over rows: one integer as its state, prepared ahead with the same bits, shared by several processes."""

import gc
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tutelage.core import catalog
from tutelage.core.shape.image import ImageShape
from tutelage.core.shape.series import SeriesShape
from tutelage.core.shape.texts import TextShape
from tutelage.data.ahead import Ahead
from tutelage.data.augment.base import Augment
from tutelage.data.prepare.padding import Pad
from tutelage.data.rows.base import Rows
from tutelage.data.rows.dense import DenseRows
from tutelage.data.rows.labelled import LabelledRows
from tutelage.data.rows.mapped import MappedRows
from tutelage.data.rows.ragged import RaggedRows, join
from tutelage.data.stream import FiniteStream
from tutelage.model.example import example_batch

VALUES = np.arange(40, dtype=np.float32).reshape(20, 2)
TEXTS = [np.arange(row % 7 + 1) + row for row in range(20)]


def on_disk(folder: Path) -> MappedRows:
    np.save(folder / "x.npy", VALUES)
    return MappedRows({"x": np.load(folder / "x.npy", mmap_mode="r")})


def in_memory() -> DenseRows:
    return DenseRows({"x": torch.from_numpy(VALUES)})


def texts() -> Rows:
    return LabelledRows(RaggedRows({"token": join(TEXTS)}), {"target": torch.arange(20)})


def names_of_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("tutelage-ahead")]


def wait_until_no_thread_is_left() -> None:
    for _ in range(200):
        if not names_of_threads():
            return
        time.sleep(0.01)
    pytest.fail(f"still there: {names_of_threads()}")


def test_a_stream_goes_on_from_its_state() -> None:
    first = FiniteStream(in_memory(), batch_size=6, seed=3)
    for _ in range(5):
        first.next()
    second = FiniteStream(in_memory(), batch_size=6, seed=3)
    second.restore(first.state())
    assert torch.equal(first.next()["x"], second.next()["x"])


@pytest.mark.parametrize("position", [-1, 0.5, "7", None, True, 10**30])
def test_a_position_that_is_none_is_refused(position: object) -> None:
    stream = FiniteStream(in_memory(), batch_size=6, seed=3)
    with pytest.raises(ValueError, match="position = "):
        stream.restore({"position": position})


def test_prepared_ahead_batches_have_the_same_bits_and_the_same_state(tmp_path: Path) -> None:
    ahead, plain = FiniteStream(on_disk(tmp_path), batch_size=6, seed=3), FiniteStream(in_memory(), batch_size=6, seed=3)
    assert names_of_threads() == []
    for step in range(1, 9):
        assert torch.equal(ahead.next()["x"], plain.next()["x"])
        assert ahead.state() == plain.state() == {"position": 6 * step}
    assert len(names_of_threads()) == 1
    ahead.restore({"position": 12})
    assert names_of_threads() == []
    plain.restore({"position": 12})
    assert torch.equal(ahead.next()["x"], plain.next()["x"])


def test_a_stream_that_is_forgotten_ends_its_thread(tmp_path: Path) -> None:
    # Those of other tests may end just now.
    gc.collect()
    wait_until_no_thread_is_left()
    stream = FiniteStream(on_disk(tmp_path), batch_size=6, seed=3)
    stream.next()
    assert len(names_of_threads()) == 1
    del stream
    gc.collect()
    wait_until_no_thread_is_left()


class Broken(MappedRows):
    """Rows of which the fourth batch cannot be read at first."""

    def __init__(self) -> None:
        super().__init__({"x": VALUES})
        self.is_on_disk, self.calls = True, 0

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        self.calls += 1
        if self.calls == 4:
            raise OSError("the disk is gone")
        return super().take(rows)


def test_an_error_in_the_background_is_raised_by_next_and_the_position_stays() -> None:
    stream, plain = FiniteStream(Broken(), batch_size=6, seed=3), FiniteStream(in_memory(), batch_size=6, seed=3)
    for _ in range(3):
        assert torch.equal(stream.next()["x"], plain.next()["x"])
    with pytest.raises(OSError, match="the disk is gone"):
        stream.next()
    assert stream.state() == {"position": 18}
    assert torch.equal(stream.next()["x"], plain.next()["x"])


def test_things_are_made_in_the_background_once_each_and_never_two_at_a_time() -> None:
    made: list[tuple[int, bool]] = []
    lock = threading.Lock()

    def make(position: int) -> int:
        assert lock.acquire(blocking=False)
        time.sleep(0.001)
        made.append((position, threading.current_thread() is threading.main_thread()))
        lock.release()
        return position

    ahead = Ahead(make)
    assert [ahead.take(position, then=position + 1) for position in (0, 1, 2, 7)] == [0, 1, 2, 7]
    ahead.stop()
    assert made[:3] == [(0, True), (1, False), (2, False)]
    assert (7, True) in made


@pytest.mark.slow
def test_a_program_that_ends_in_the_middle_leaves_no_thread_hanging(tmp_path: Path) -> None:
    program = """
import sys, time, numpy as np
from tutelage.data.rows.mapped import MappedRows
from tutelage.data.stream import FiniteStream
from tutelage.model.example import example_batch
class Slow(MappedRows):
    def take(self, rows):
        time.sleep(0.2)
        return super().take(rows)
rows = Slow({"x": np.zeros((8, 2))})
rows.is_on_disk = True
stream = FiniteStream(rows, batch_size=2, seed=0)
stream.next()
if sys.argv[1] == "raise":
    raise SystemExit(3)
"""
    for how, code in (("end", 0), ("raise", 3)):
        done = subprocess.run([sys.executable, "-c", program, how], timeout=60, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize("world", [2, 3, 7])
@pytest.mark.parametrize("make", [in_memory, texts])
def test_processes_share_each_batch_as_micro_batches_do(make: type[Rows], world: int) -> None:
    pad = Pad("token") if make is texts else None

    def stream(rank: int, world: int) -> FiniteStream:
        return FiniteStream(make(), batch_size=6, seed=3, finish=pad, rank=rank, world=world)

    whole, parts = stream(0, 1), [stream(rank, world) for rank in range(world)]
    for _ in range(7):
        batch, own = whole.next(), [part.next() for part in parts]
        for name, tensor in batch.items():
            cuts = tensor.tensor_split(world)
            assert all(torch.equal(cut, each[name]) for cut, each in zip(cuts, own, strict=True))
    assert all(part.state() == whole.state() for part in parts)
    assert parts[0].epoch_size == whole.epoch_size == 20


@pytest.mark.parametrize("kind", catalog.names("augment"))
def test_a_row_is_changed_alike_whatever_the_number_of_processes(kind: str) -> None:
    augment: Augment = catalog.load("augment", kind)()
    shapes = [ImageShape(channels=3, height=12, width=12), SeriesShape(channels=2, length=15), TextShape(length=15)]
    shape = next(shape for shape in shapes if augment.suits(shape))
    batch = example_batch(shape, 20, seed=1)
    if "image" in batch:
        batch["image"] = batch["image"].contiguous(memory_format=torch.channels_last)
    rows = DenseRows(batch)

    def stream(rank: int, world: int) -> FiniteStream:
        return FiniteStream(rows, batch_size=7, seed=3, augment=augment, rank=rank, world=world)

    whole, parts = stream(0, 1), [stream(rank, 2) for rank in range(2)]
    for _ in range(3):
        found, own = whole.next(), [part.next() for part in parts]
        for name, tensor in found.items():
            assert torch.equal(torch.cat([part[name] for part in own]), tensor)


def test_rows_of_unequal_length_come_in_batches_of_like_lengths() -> None:
    stream = FiniteStream(texts(), batch_size=5, seed=0, finish=Pad("token", mask="mask"))
    batches = [stream.next() for _ in range(4)]
    assert sorted(torch.cat([batch["target"] for batch in batches]).tolist()) == list(range(20))
    for batch in batches:
        for row, tokens, mask in zip(batch["target"].tolist(), batch["token"], batch["mask"], strict=True):
            assert tokens[mask].tolist() == TEXTS[row].tolist()
    # Lengths 1 to 7, three of most: five rows of like lengths span two lengths, rarely three.
    assert max(int(batch["mask"].sum(1).max() - batch["mask"].sum(1).min()) for batch in batches) <= 2


@pytest.mark.gpu
@pytest.mark.parametrize("make", [in_memory, texts])
def test_batches_on_a_graphics_card_have_the_same_bits(make: type[Rows]) -> None:
    pad = Pad("token") if make is texts else None
    near = FiniteStream(make(), batch_size=6, seed=3, finish=pad)
    far = FiniteStream(make(), batch_size=6, seed=3, finish=pad, device="cuda")
    for _ in range(50):
        expected, batch = near.next(), far.next()
        assert all(torch.equal(batch[name].cpu(), tensor) for name, tensor in expected.items())
        assert all(tensor.device.type == "cuda" for tensor in batch.values())
