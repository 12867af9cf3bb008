"""Files written aside: whole or as before, and nothing left over."""

import errno
import os
from pathlib import Path

import pytest

from tutelage.core import durable
from tutelage.core.durable import make_folder, replacing, sweep, sync_folder, sync_way, write_durably
from tutelage.core.errors import DiskError


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was synced, in order."""
    names: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda opened: names.append(Path(f"/proc/self/fd/{opened}").readlink().name))
    return names


def test_an_error_on_the_way_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "x"
    write_durably(path, b"old")

    def fail() -> None:
        with replacing(path) as aside:
            aside.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_a_writer_that_puts_a_file_of_its_own_there_does_not_change_who_may_read_it(tmp_path: Path) -> None:
    path, plain = tmp_path / "x", tmp_path / "plain"
    plain.touch()
    with replacing(path) as aside:
        secret = tmp_path / "secret"
        secret.touch(mode=0o600)
        secret.replace(aside)
    assert path.stat().st_mode == plain.stat().st_mode


def test_what_killed_writers_left_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    kept = [tmp_path / "steps" / "000000002.safetensors", tmp_path / ".lock", tmp_path / "notes.tmp"]
    left = [tmp_path / "steps" / ".000000002.safetensors.ab12.tmp", tmp_path / "steps" / ".tmpCmnBZU"]
    for path in [*kept, *left]:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    sweep(tmp_path)
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in left)


def test_sweeping_follows_no_link_and_removes_no_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside" / ".a.tmp"
    run = tmp_path / "run"
    for path in (outside, run / "own" / ".b.tmp", run / ".c.tmp" / "x"):
        path.parent.mkdir(parents=True)
        path.touch()
    (run / "steps").symlink_to(outside.parent)
    (run / ".d.tmp").symlink_to(outside)
    sweep(run)
    assert sorted(path.name for path in run.iterdir()) == [".c.tmp", "own", "steps"]
    assert outside.exists()
    assert (run / "own" / ".b.tmp").exists()


def test_of_new_folders_each_parent_is_synced_up_to_the_first_that_was_there(tmp_path: Path, synced: list[str]) -> None:
    make_folder(tmp_path / "a" / "b" / "c")
    assert synced == [tmp_path.name, "a", "b"]
    make_folder(tmp_path / "a" / "b")
    assert len(synced) == 3


def test_the_way_to_a_folder_is_synced_to_the_root_of_its_file_system(tmp_path: Path, synced: list[str]) -> None:
    sync_way(tmp_path)
    parents = [path for path in tmp_path.resolve().parents if path.stat().st_dev == tmp_path.stat().st_dev]
    assert synced == [path.name for path in parents]


def test_a_file_is_synced_before_it_is_renamed_and_its_folder_after(tmp_path: Path, synced: list[str]) -> None:
    write_durably(tmp_path / "x", b"new")
    assert synced[0].endswith(".tmp")
    assert synced[1:] == [tmp_path.name]


def test_a_sync_that_fails_is_a_write_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_durably(tmp_path / "x", b"old")

    def fail(opened: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DiskError, match="Input/output error"):
        write_durably(tmp_path / "x", b"new")
    with pytest.raises(OSError, match="Input/output error"):
        sync_folder(tmp_path)
    assert (tmp_path / "x").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP])
def test_a_file_system_that_syncs_no_folders_is_taken_at_its_word(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(opened: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    sync_folder(tmp_path)


def test_who_is_swept_while_writing_writes_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync, meets = durable._sync, iter([True, False, False])

    def swept(path: Path) -> None:
        if next(meets):
            sweep(tmp_path)
        sync(path)

    monkeypatch.setattr(durable, "_sync", swept)
    write_durably(tmp_path / "report.html", b"all")
    assert (tmp_path / "report.html").read_bytes() == b"all"


def test_a_long_name_can_be_written_aside(tmp_path: Path) -> None:
    write_durably(tmp_path / ("x" * 255), b"")
    write_durably(tmp_path / ("ä" * 127), b"")
