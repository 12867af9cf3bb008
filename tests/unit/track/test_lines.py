"""Lines that the disk refuses: none is lost, none is torn, and what a checkpoint is told of is on the disk."""

import errno
import os
import random
from pathlib import Path

import pytest

from tutelage.core.errors import DiskError
from tutelage.track import lines as module
from tutelage.track.lines import Lines


class Room:
    """A disk with so many bytes left; -1 = plenty."""

    def __init__(self, lines: Lines) -> None:
        self.left, self.syncs, self.cuts, self._file = -1, True, True, lines._file
        lines._file = self  # type: ignore[assignment]
        self.closed = False

    def write(self, content: bytes) -> int:
        if self.left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        size = len(content) if self.left < 0 else min(self.left, len(content))
        self.left -= size if self.left > 0 else 0
        return self._file.write(content[:size])

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self.closed = True
        self._file.close()


def line(number: int) -> bytes:
    return f"line {number} {'x' * (number % 7)}\n".encode()


@pytest.mark.parametrize("left", range(25))
def test_a_line_that_fits_in_part_is_cut_back_and_comes_whole_later(tmp_path: Path, left: int) -> None:
    lines = Lines(tmp_path / "log")
    room = Room(lines)
    lines.hold(line(0))
    lines.write()
    room.left = left
    lines.hold(line(1) + line(2))
    whole = line(0)
    if left >= len(line(1) + line(2)):
        lines.write()
    else:
        with pytest.raises(DiskError, match=r"log: cannot be written .* It needs \d+ bytes"):
            lines.write()
        whole += line(1) if left >= len(line(1)) else b""
        assert (tmp_path / "log").read_bytes() == whole
        with pytest.raises(DiskError):
            lines.settle()
    room.left = -1
    assert lines.settle() == len(line(0) + line(1) + line(2))
    lines.close()
    assert (tmp_path / "log").read_bytes() == line(0) + line(1) + line(2)


def test_a_torn_line_that_cannot_be_cut_back_at_once_is_cut_back_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = Lines(tmp_path / "log")
    room = Room(lines)
    room.left = 3

    def refuse(descriptor: int, size: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    lines.hold(line(1))
    with monkeypatch.context() as patched:
        patched.setattr(module.os, "ftruncate", refuse)
        with pytest.raises(DiskError):
            lines.write()
    assert (tmp_path / "log").read_bytes() == line(1)[:3]
    room.left = -1
    lines.hold(line(2))
    lines.close()
    assert (tmp_path / "log").read_bytes() == line(1) + line(2)


def test_what_could_not_be_synced_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines(tmp_path / "log")
    lines.hold(line(1))
    assert lines.settle() == len(line(1))
    lines.hold(line(2))
    lines.write()

    def lose(descriptor: int) -> None:
        # The system drops what it could not bring to the disk: here it is overwritten.
        with (tmp_path / "log").open("r+b") as file:
            file.seek(len(line(1)))
            file.write(b"\0" * len(line(2)))
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(module.os, "fsync", lose)
        with pytest.raises(DiskError, match="reports a fault"):
            lines.settle()
    lines.hold(line(3))
    assert lines.settle() == len(line(1) + line(2) + line(3))
    lines.close()
    assert (tmp_path / "log").read_bytes() == line(1) + line(2) + line(3)


def test_lines_held_back_have_a_limit_and_the_oldest_go_first_and_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT_BYTES", 100)
    lines = Lines(tmp_path / "log")
    room = Room(lines)
    room.left = 0
    for number in range(50):
        lines.hold(line(number))
    room.left = -1
    lines.close()
    kept = (tmp_path / "log").read_bytes().splitlines(keepends=True)
    assert kept == [line(number) for number in range(50)][-len(kept) :]
    assert lines.num_lost == 50 - len(kept)
    assert 80 < sum(map(len, kept)) <= 100


@pytest.mark.parametrize("seed", range(20))
def test_a_disk_that_fills_and_empties_at_random_loses_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = Lines(tmp_path / "log")
    room = Room(lines)
    for number in range(200):
        room.left = chance.choice([-1, 0, chance.randrange(60)])
        lines.hold(line(number))
        try:
            lines.write() if chance.random() < 0.7 else lines.settle()
        except DiskError:
            content = (tmp_path / "log").read_bytes()
            assert content == b"" or content.endswith(b"\n")
    room.left = -1
    lines.close()
    assert (tmp_path / "log").read_bytes() == b"".join(map(line, range(200)))
