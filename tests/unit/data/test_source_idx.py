"""MNIST-like files: read exactly, and every way of being broken is told."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from tutelage.core.errors import DataError, OutOfMemoryError, UsageError
from tutelage.data.part.image import ImagePart
from tutelage.data.quality.look import look_all
from tutelage.data.source.idx import Idx

FASHION = Path(__file__).parents[3].parent / "shared" / "data" / "fashion-mnist"
PIXELS = np.arange(6 * 4 * 5, dtype=np.uint8).reshape(6, 4, 5)
LABELS = np.array([0, 1, 2, 0, 1, 2], dtype=np.uint8)


def idx_bytes(array: np.ndarray) -> bytes:
    """Return an array of bytes in the idx format."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(folder: Path, name: str, content: bytes) -> Path:
    """Write a file, gzipped if its name says so."""
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def data_set(folder: Path, *, suffix: str = "", prefix: str = "", test: str = "t10k") -> Path:
    """Write a train and a test part."""
    for part, pixels in (("train", PIXELS), (test, PIXELS[::-1] + 100)):
        write(folder, f"{prefix}{part}-images-idx3-ubyte{suffix}", idx_bytes(pixels))
        write(folder, f"{prefix}{part}-labels-idx1-ubyte{suffix}", idx_bytes(LABELS))
    return folder


def complaint(folder: Path) -> str:
    """Return what is said of a data set that cannot be read."""
    with pytest.raises(DataError) as caught:
        Idx(path=str(folder)).collect()
    return str(caught.value)


@pytest.mark.parametrize(
    ("suffix", "prefix", "test"), [("", "", "t10k"), (".gz", "", "t10k"), (".gz", "emnist-letters-", "test")]
)
def test_both_parts_are_read_exactly(tmp_path: Path, suffix: str, prefix: str, test: str) -> None:
    found = Idx(path=str(data_set(tmp_path, suffix=suffix, prefix=prefix, test=test))).collect()
    assert isinstance(found.train, ImagePart)
    assert isinstance(found.test, ImagePart)
    assert found.train.pixels is not None
    assert found.train.labels is not None
    assert np.array_equal(found.train.pixels[..., 0], PIXELS)
    assert found.train.labels.tolist() == LABELS.tolist()
    assert found.test.pixels is not None
    assert found.test.pixels.shape == (6, 4, 5, 1)
    assert found.test.locate(3) == "test image 3"
    assert not found.problems


def test_one_file_brings_its_labels_and_takes_a_test_file(tmp_path: Path) -> None:
    data_set(tmp_path)
    train, test = tmp_path / "train-images-idx3-ubyte", tmp_path / "t10k-images-idx3-ubyte"
    assert Idx(path=str(train)).collect().test is None
    assert len(Idx(path=str(train), test=str(test)).collect().test or ()) == 6


def test_a_plain_file_wins_over_its_gzipped_twin_but_two_sets_are_refused(tmp_path: Path) -> None:
    data_set(tmp_path)
    data_set(tmp_path, suffix=".gz")
    assert len(Idx(path=str(tmp_path)).collect().train) == 6
    data_set(tmp_path, prefix="emnist-digits-", test="test")
    with pytest.raises(UsageError, match="expected one train images file"):
        Idx(path=str(tmp_path)).collect()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "begins with nothing"),
        (b"\x89PNG1234", "begins with 89 50 4e 47"),
        (b"\0\0\x0d\x03" + bytes(99), "type 0x0d, expected 3 and 0x08"),
        (b"\0\0\x08\x01" + bytes(99), "holds 1-dimensional values"),
        (idx_bytes(PIXELS)[:9], "the header is cut off"),
        (idx_bytes(PIXELS)[:-1], "cut off: 119 of 120 bytes are there (6 x 4 x 5)"),
        (idx_bytes(PIXELS) + b"x", "longer than its header says (6 x 4 x 5)"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 6, 0, 0), "the header says 6 x 0 x 0: images without a pixel"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 2**32 - 1, 2**31, 2**31), "more than the file can hold"),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    data_set(tmp_path)
    write(tmp_path, "train-images-idx3-ubyte", content)
    assert words in complaint(tmp_path)


def test_gzip_that_is_cut_off_or_garbage_is_told(tmp_path: Path) -> None:
    data_set(tmp_path, suffix=".gz")
    images = tmp_path / "train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    images.write_bytes(whole[:-30])
    assert "train-images-idx3-ubyte.gz: the gzip data is cut off" in complaint(tmp_path)
    images.write_bytes(b"not gzip at all")
    assert "damaged" in complaint(tmp_path)
    write(tmp_path, "train-images-idx3-ubyte.gz", idx_bytes(PIXELS)[:-7])
    assert "cut off: 113 of 120 bytes are there (6 x 4 x 5)" in complaint(tmp_path)


def test_labels_that_are_missing_or_of_another_number_are_told(tmp_path: Path) -> None:
    data_set(tmp_path)
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.write_bytes(idx_bytes(LABELS[:5]))
    assert [problem.found for problem in Idx(path=str(tmp_path)).collect().problems] == ["5 labels for 6 images"]
    labels.unlink()
    assert "its labels file train-labels-idx1-ubyte is missing" in complaint(tmp_path)


def test_one_class_is_told_and_each_unknown_test_class_with_its_images_left_out(tmp_path: Path) -> None:
    data_set(tmp_path)
    write(tmp_path, "t10k-labels-idx1-ubyte", idx_bytes(LABELS + 1))
    write(tmp_path, "t10k-images-idx3-ubyte", idx_bytes(PIXELS))
    found = Idx(path=str(tmp_path)).collect()
    assert "class 3, which the training part does not have, in 2 images, such as test image 2" in found.problems[0].found
    assert found.problems[0].items == (2, 5)
    assert isinstance(found.test, ImagePart)
    assert found.test.names == tuple(f"test image {row}" for row in (0, 1, 3, 4))
    write(tmp_path, "t10k-labels-idx1-ubyte", idx_bytes(LABELS + 7))
    assert [problem.can_skip for problem in Idx(path=str(tmp_path)).collect().problems] == [False]
    write(tmp_path, "train-labels-idx1-ubyte", idx_bytes(LABELS * 0))
    assert "only one class" in [problem.found for problem in Idx(path=str(tmp_path)).collect().problems]


def test_input_may_come_without_labels(tmp_path: Path) -> None:
    path = write(tmp_path, "t10k-images-idx3-ubyte", idx_bytes(PIXELS))
    part, problems = Idx(path=str(path)).read_input([str(path)])
    assert part.labels is None
    assert problems == ()
    both, _ = Idx(path=str(data_set(tmp_path))).read_input([str(tmp_path), str(path)])
    assert both.labels is not None
    assert len(both) == 12


@pytest.mark.skipif(not FASHION.is_dir(), reason="Fashion-MNIST is not here")
def test_fashion_mnist_has_its_known_mean() -> None:
    found = Idx(path=str(FASHION)).collect()
    assert isinstance(found.train, ImagePart)
    assert found.train.pixels is not None
    assert found.train.pixels.mean() / 255 == pytest.approx(0.2860, abs=5e-5)  # as published, to four digits
    assert (len(found.train), len(found.test or ())) == (60_000, 10_000)
    assert not found.problems + look_all(found).warnings


@pytest.mark.parametrize("sizes", [(6, 0, 0), (6, 0, 8), (6, 8, 0), (2**32 - 1, 0, 2**32 - 1), (2**32 - 1, 2**32 - 1, 2**32 - 1)])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_sizes_that_no_image_has_are_refused(tmp_path: Path, sizes: tuple[int, ...], suffix: str) -> None:
    write(tmp_path, f"train-images-idx3-ubyte{suffix}", bytes([0, 0, 8, 3]) + struct.pack(">3I", *sizes))
    write(tmp_path, f"train-labels-idx1-ubyte{suffix}", idx_bytes(LABELS))
    with pytest.raises(DataError, match="header"):
        Idx(path=str(tmp_path)).collect()


def test_a_lack_of_memory_is_not_blamed_on_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: object, **__: object) -> np.ndarray:
        raise MemoryError("Unable to allocate 120. B for an array")

    monkeypatch.setattr("tutelage.data.source.idx.np.empty", lacking)
    with pytest.raises(OutOfMemoryError, match="reading 120 bytes"):
        Idx(path=str(data_set(tmp_path))).collect()


def test_a_header_that_promises_more_than_the_memory_is_at_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutelage.data.source.idx.memory_bytes", lambda: 100)
    assert "more than fit into the memory" in complaint(data_set(tmp_path))
