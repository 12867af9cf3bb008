"""Images and labels in idx files, as MNIST, Fashion-MNIST and EMNIST are published, plain or gzipped.

A folder with `train-images-idx3-ubyte[.gz]`, `train-labels-idx1-ubyte[.gz]`, and the same for `t10k` or `test`; or one
images file, beside which its labels lie.
"""

import gzip
import hashlib
import math
import re
import zlib
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.core.memory import memory_bytes, memory_told
from tutelage.data.part.image import ImagePart
from tutelage.data.source.base import Collected, Source

__all__ = ["Idx"]

IMAGES = re.compile(r"(?P<stem>.*)images[.-]idx[34]-ubyte(\.gz)?", re.IGNORECASE)
TEST_WORDS = ("t10k", "test")
UBYTE = 8
"""The idx code of unsigned bytes, the third byte of a file."""

MAX_DEFLATE = 1032
"""Gzip cannot shrink data by more than this factor, so a header that claims more is wrong."""

REMEDY = "Download the file again, or export it again."


class _IdxError(Exception):
    """A file that is not whole idx data; its text is the reason."""


class Idx(Source):
    """MNIST-like images and labels."""

    kind: Literal["idx"] = "idx"
    has_targets: ClassVar[bool] = False

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether the file, or one in the folder, is named like idx images."""
        return bool(_image_files(Path(path)))

    def collect(self) -> Collected:
        """Read the train images with their labels, and the test images where there are any."""
        files = _image_files(Path(self.path))
        if not files:
            raise UsageError(f"{self.path}: no file here is named like `train-images-idx3-ubyte` or `...-ubyte.gz`.")
        train_file, test_file = _parts(Path(self.path), files)
        if self.test:
            test_file = _test_file(self.test)
        problems: list[DataProblem] = []
        train = _read_part("train", train_file, problems)
        test = _read_part("test", test_file, problems) if test_file else None
        if train is None or train.labels is None:
            raise DataError(problems)
        if len(np.unique(train.labels)) < 2:
            problems.append(DataProblem(train_file.name, "only one class", "Give images of at least two classes."))
        if test is not None:
            test, unknown = _without_unknown(train, test)
            problems += unknown
        return Collected(name=_name(Path(self.path)), train=train, test=test, problems=tuple(problems))

    def read_input(self, paths: Sequence[str]) -> tuple[ImagePart, tuple[DataProblem, ...]]:
        """Read images files, or the test part of folders; labels are there where every images file has them."""
        problems: list[DataProblem] = []
        parts = [_read_part("input", _test_file(path), problems, needs_labels=False) for path in paths]
        read = [part for part in parts if part is not None]
        if not read:
            raise DataError(problems)
        if len({part.pixels.shape[1:] for part in read if part.pixels is not None}) > 1:
            raise UsageError(f"{', '.join(paths)}: images of different sizes; give one file at a time.")
        if len(read) == 1:
            return read[0], tuple(problems)
        labels = [part.labels for part in read if part.labels is not None]
        joined = ImagePart(
            name="input",
            files=(),
            pixels=np.concatenate([part.pixels for part in read if part.pixels is not None]),
            labels=np.concatenate(labels) if len(labels) == len(read) else None,
            names=tuple(name for part in read for name in part.names),
            fingerprint=hashlib.sha256("".join(part.fingerprint for part in read).encode()).hexdigest(),
        )
        return joined, tuple(problems)


def _image_files(path: Path) -> list[Path]:
    """Return the images files that a path names or holds."""
    candidates = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in candidates if IMAGES.fullmatch(file.name) and file.is_file()]


def _is_test(file: Path) -> bool:
    """Tell a test file from a train file by its name."""
    return any(word in file.name.casefold() for word in TEST_WORDS)


def _parts(path: Path, files: list[Path]) -> tuple[Path, Path | None]:
    """Choose the train and the test file."""
    if path.is_file():
        return path, None
    train = _one([file for file in files if not _is_test(file)], path, "train")
    tests = [file for file in files if _is_test(file)]
    return train, _one(tests, path, "test") if tests else None


def _test_file(path: str) -> Path:
    """Return the images file to test or predict on: the file itself, or the test part of a folder, or its only part."""
    files = _image_files(Path(path))
    if not files:
        raise UsageError(f"{path}: no file here is named like `t10k-images-idx3-ubyte` or `...-ubyte.gz`.")
    return _one([file for file in files if _is_test(file)] or files, Path(path), "test")


def _one(files: list[Path], path: Path, part: str) -> Path:
    """Return the only file; a plain file wins over its own gzipped twin."""
    plain = {file.name.removesuffix(".gz"): file for file in sorted(files, reverse=True)}
    if len(plain) != 1:
        shown = ", ".join(sorted(plain)) or "none"
        raise UsageError(f"{path}: expected one {part} images file, found {shown}. Give the path of the file itself.")
    return next(iter(plain.values()))


def _read_part(name: str, images_file: Path, problems: list[DataProblem], *, needs_labels: bool = True) -> ImagePart | None:
    """Read images and labels of a part; what is wrong goes to `problems`."""
    labels_file = _labels_file(images_file)
    pixels = _read(images_file, problems, ndims=(3, 4))
    labels = _read(labels_file, problems, ndims=(1,)) if labels_file else None
    if labels_file is None and needs_labels:
        wanted = images_file.name.replace("images", "labels").replace("idx3", "idx1")
        problems.append(DataProblem(images_file.name, f"its labels file {wanted} is missing", "Put it beside the images."))
    if pixels is None or (labels is None and labels_file):
        return None
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    count = len(pixels)
    if labels is not None and len(labels) != count:
        found = f"{len(labels):,} labels for {count:,} images"
        problems.append(DataProblem(f"{images_file.parent / (labels_file or images_file).name}", found, REMEDY))
        count = min(count, len(labels))
    if not count:
        problems.append(DataProblem(images_file.name, "no images in it", REMEDY))
        return None
    digest = hashlib.sha256(np.ascontiguousarray(pixels[:count]).data)
    digest.update(b"" if labels is None else labels[:count].tobytes())
    return ImagePart(
        name=name,
        files=(),
        pixels=pixels[:count],
        labels=None if labels is None else labels[:count].astype(np.int64),
        names=tuple(f"{name} image {index}" for index in range(count)),
        fingerprint=digest.hexdigest(),
    )


def _labels_file(images_file: Path) -> Path | None:
    """Find the labels beside the images, gzipped or not."""
    stem = images_file.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    return next((file for file in (images_file.parent / (stem + end) for end in ("", ".gz")) if file.is_file()), None)


def _read(file: Path, problems: list[DataProblem], *, ndims: tuple[int, ...]) -> np.ndarray | None:
    """Read one idx file, or report why it cannot be read."""
    try:
        is_zipped = file.suffix == ".gz"
        with gzip.open(file, "rb") if is_zipped else file.open("rb") as stream:
            return _parse(stream, size_bytes=file.stat().st_size * (MAX_DEFLATE if is_zipped else 1), ndims=ndims)
    except _IdxError as error:
        reason = str(error)
    except EOFError:
        reason = "the gzip data is cut off"
    except (OSError, zlib.error) as error:
        reason = f"the file is damaged ({error})"
    problems.append(DataProblem(file.name, reason, REMEDY))
    return None


def _parse(stream: gzip.GzipFile | BufferedReader, *, size_bytes: int, ndims: tuple[int, ...]) -> np.ndarray:
    """Read header and values.

    Args:
        stream: The file, unzipped.
        size_bytes: The most that can be in it.
        ndims: Numbers of dimensions that are right here.
    """
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise _IdxError(f"not an idx file: it begins with {magic.hex(' ') or 'nothing'}, expected 00 00 08 0{ndims[0]}")
    if magic[2] != UBYTE or magic[3] not in ndims:
        raise _IdxError(f"holds {magic[3]}-dimensional values of type {magic[2]:#04x}, expected {ndims[0]} and 0x08 (bytes)")
    header = stream.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise _IdxError("the header is cut off")
    sizes = np.frombuffer(header, dtype=">u4").astype(np.int64).tolist()
    expected = math.prod(sizes)
    shape = " x ".join(f"{size:,}" for size in sizes)
    if 0 in sizes[1:]:
        raise _IdxError(f"the header says {shape}: images without a pixel")
    if expected > size_bytes:
        raise _IdxError(f"the header promises {shape} values, more than the file can hold")
    if len(sizes) == 4 and sizes[3] not in (1, 3):
        raise _IdxError(f"the header says {shape}; expected 1 or 3 channels in the end")
    if expected > memory_bytes():
        raise _IdxError(f"the header promises {shape} values, more than fit into the memory")
    with memory_told(f"reading {expected:,} bytes of images"):
        values = np.empty(expected, dtype=np.uint8)
    filled = 0
    while filled < expected and (count := stream.readinto(values[filled:].data)):
        filled += count
    if filled < expected:
        raise _IdxError(f"cut off: {filled:,} of {expected:,} bytes are there ({shape})")
    if stream.read(1):
        raise _IdxError(f"longer than its header says ({shape})")
    return values.reshape(sizes)


def _without_unknown(train: ImagePart, test: ImagePart) -> tuple[ImagePart, list[DataProblem]]:
    """Leave test images of classes out that the train part does not have, and tell of each such class."""
    if train.labels is None or test.labels is None:
        return test, []
    is_known = np.isin(test.labels, train.labels)
    if is_known.all():
        return test, []
    if not is_known.any():
        return test, [DataProblem("test labels", "no class of the training part among them", "Do both files belong together?")]
    problems = []
    for name in np.unique(test.labels[~is_known]).tolist():
        rows = tuple(np.flatnonzero(test.labels == name).tolist())
        found = f"class {name}, which the training part does not have, in {len(rows):,} images, such as {test.names[rows[0]]}"
        problems.append(DataProblem("test labels", found, "Check that train and test files belong together.", items=rows))
    return test.select(np.flatnonzero(is_known)), problems


def _name(path: Path) -> str:
    """Name the data set after its folder."""
    return (path.parent if path.is_file() else path).resolve().name
