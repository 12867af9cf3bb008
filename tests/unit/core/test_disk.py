"""What the file system refuses is told with file, operation, bytes and remedy, whoever writes."""

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tutelage.core.disk import naming
from tutelage.core.durable import replacing, write_durably
from tutelage.core.errors import DiskError
from tutelage.model.stored import save_tensors


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Make room there"),
        (errno.EDQUOT, "quota"),
        (errno.EIO, "reports a fault"),
        (errno.EROFS, "can only be read"),
        (errno.EACCES, "chmod"),
        (errno.EFBIG, "ulimit -f"),
        (errno.ENAMETOOLONG, "shorter name"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ESTALE, "still there"),
    ],
)
def test_an_error_without_a_file_gets_its_file_its_bytes_and_a_remedy(tmp_path: Path, number: int, remedy: str) -> None:
    path = tmp_path / "sub" / "x.bin"
    said = r"x\.bin: cannot be written \(.+\)\. It needs 1,234 bytes; [\d,]+ are free in "
    with pytest.raises(DiskError, match=said) as caught, naming(path, needs=1234):
        raise OSError(number, os.strerror(number))
    assert (caught.value.number, caught.value.path, caught.value.exit_code, caught.value.code) == (number, str(path), 2, "io")
    assert remedy in str(caught.value)


def test_an_error_of_another_kind_passes() -> None:
    with pytest.raises(ValueError, match="no disk"), naming(Path("x")):
        raise ValueError("no disk")


def test_a_name_as_long_as_names_may_be_can_be_written(tmp_path: Path) -> None:
    write_durably(tmp_path / ("x" * 255), b"content")
    with pytest.raises(DiskError, match="shorter name"):
        write_durably(tmp_path / ("x" * 256), b"content")


def test_what_was_refused_leaves_nothing_aside_and_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_durably(path, b"old")

    def fill() -> None:
        with replacing(path, needs=7) as aside:
            aside.write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DiskError, match=r"x: cannot be written .* It needs 7 bytes"):
        fill()
    assert [each.name for each in tmp_path.iterdir()] == ["x"]
    assert path.read_bytes() == b"old"


WRITERS = {
    "write_durably": "write_durably(path, bytes(200_000))",
    "save_tensors": "save_tensors(path, {'x': torch.zeros(50_000)}, format='f', values={})",
    "lines": "lines = Lines(path); lines.hold(b'x' * 200_000 + b'\\n'); lines.write()",
    "scratch_array": "scratch_array((200_000,), dtype='uint8', folders=[path.parent], what='pixels', remedy='')",
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """What each writer says, each in a folder of its own, in a process whose files may not be large."""
    place = tmp_path_factory.mktemp("limited")
    program = (
        "import json, pathlib, resource, torch\n"
        "from tutelage.core.durable import write_durably\n"
        "from tutelage.core.errors import TutelageError\n"
        "from tutelage.data.scratch import scratch_array\n"
        "from tutelage.model.stored import save_tensors\n"
        "from tutelage.track.lines import Lines\n"
        f"place, writers, told = pathlib.Path({str(place)!r}), {WRITERS!r}, {{}}\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "for name, code in writers.items():\n"
        "    (place / name).mkdir()\n"
        "    path = place / name / 'file.bin'\n"
        "    try:\n"
        "        exec(code)\n"
        "    except TutelageError as error:\n"
        "        told[name] = str(error)\n"
        "print(json.dumps(told))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return place, json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("writer", sorted(WRITERS))
def test_a_limit_on_the_size_of_files_is_an_error_with_a_name_in_every_writer(
    refused: tuple[Path, dict[str, str]], writer: str
) -> None:
    folder, said = refused[0] / writer, refused[1][writer]
    assert str(folder) in said
    assert "File too large" in said
    if writer != "scratch_array":
        assert "more than 100,000 bytes" in said
    assert all(path.name == "file.bin" for path in folder.iterdir())


def test_the_limit_of_open_files_is_told_with_its_remedy(tmp_path: Path) -> None:
    def write() -> None:
        write_durably(tmp_path / "x", b"content")

    assert "ulimit -n" in _refusal_without_descriptors(write)
    assert "ulimit -n" in _refusal_without_descriptors(
        lambda: save_tensors(tmp_path / "t", {"x": torch.zeros(3)}, format="f", values={})
    )


def _refusal_without_descriptors(work: Callable[[], object]) -> str:
    """What is said while no further file can be opened."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = os.open(os.devnull, os.O_RDONLY)
    os.close(taken)
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken, before[1]))
    try:
        with pytest.raises(DiskError) as caught:
            work()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    return str(caught.value)
