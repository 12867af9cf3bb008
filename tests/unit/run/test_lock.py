"""One process at a time trains in a folder, also where the file system has no locks."""

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tutelage.core.errors import RunError
from tutelage.run import lock
from tutelage.run.lock import OWNER, TAKEOVER, Owner, is_gone, locked, this_process

HERE = this_process()


@pytest.fixture(params=[errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL])
def without_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that has no locks, and says so in one way or another."""

    def refuse(*_: object) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


def dead_process() -> Owner:
    """A process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    began = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    process.wait()
    return replace(HERE, pid=process.pid, began=began)


def enter(folder: Path) -> None:
    with locked(folder):
        pass


def leave_owner(folder: Path, owner: Owner) -> None:
    (folder / OWNER).write_text(json.dumps(asdict(owner)))


def test_a_folder_is_owned_once_and_given_back(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(RunError, match="another process is training this run"):
        enter(tmp_path)
    enter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


@pytest.mark.usefixtures("without_locks")
def test_without_locks_a_file_names_the_owner(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(RunError, match=rf"process {os.getpid()} on {HERE.host} holds it.*remove .*lock\.owner"):
        enter(tmp_path)
    assert not (tmp_path / OWNER).exists()
    enter(tmp_path)
    assert not (tmp_path / TAKEOVER).exists()


@pytest.mark.usefixtures("without_locks")
def test_without_locks_an_owner_that_is_gone_is_followed(tmp_path: Path) -> None:
    leave_owner(tmp_path, dead_process())
    with locked(tmp_path):
        assert json.loads((tmp_path / OWNER).read_text())["pid"] == os.getpid()
        assert not (tmp_path / TAKEOVER).exists()


@pytest.mark.usefixtures("without_locks")
@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"pid": "x"}', "[" * 4000, *(json.dumps(asdict(HERE) | {"pid": pid}) for pid in (True, 0, -1, 2**31, 10**400))],
)
def test_an_owner_file_that_says_nothing_is_left_to_the_user(content: str, tmp_path: Path) -> None:
    (tmp_path / OWNER).write_text(content)
    with pytest.raises(RunError, match="does not say which process"):
        enter(tmp_path)
    assert (tmp_path / OWNER).exists()
    assert not (tmp_path / TAKEOVER).exists()


@pytest.mark.usefixtures("without_locks")
def test_two_processes_do_not_follow_the_same_owner(tmp_path: Path) -> None:
    leave_owner(tmp_path, dead_process())
    (tmp_path / TAKEOVER).touch()
    with pytest.raises(RunError, match=r"taking it over.*remove .*owner and .*takeover"):
        enter(tmp_path)
    assert (tmp_path / OWNER).exists()


def test_an_owner_on_a_machine_without_locks_is_heeded_where_there_are_locks(tmp_path: Path) -> None:
    leave_owner(tmp_path, replace(HERE, host="elsewhere"))
    with pytest.raises(RunError, match="on elsewhere holds it"):
        enter(tmp_path)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_place_that_may_not_be_written_to_is_told_with_its_remedy(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: str, flags: int, *rest: int, **more: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(number, os.strerror(number), path)
        return opened(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(RunError, match=rf"{tmp_path}/\.lock: cannot be opened for writing .*cp -r {tmp_path} COPY"):
        enter(tmp_path)


def test_a_lock_goes_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with locked(tmp_path / "a"):
        (tmp_path / "a").rename(tmp_path / "b")
        with pytest.raises(RunError, match="another process"):
            enter(tmp_path / "b")
    enter(tmp_path / "b")


@pytest.mark.usefixtures("without_locks")
def test_an_owner_file_goes_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with locked(tmp_path / "a"):
        (tmp_path / "a").rename(tmp_path / "b")
        with pytest.raises(RunError, match="holds it"):
            enter(tmp_path / "b")
    assert [path.name for path in (tmp_path / "b").iterdir()] == [".lock"]


@pytest.mark.usefixtures("without_locks")
def test_only_the_own_owner_file_is_given_back(tmp_path: Path) -> None:
    with locked(tmp_path):
        (tmp_path / OWNER).unlink()
        leave_owner(tmp_path, HERE)
    assert (tmp_path / OWNER).exists()


@pytest.mark.usefixtures("without_locks")
def test_an_owner_file_that_was_made_while_another_was_looked_for_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_owner(tmp_path, HERE)

    class Place(lock._Place):
        def has(self, name: str) -> bool:
            found = super().has(name)
            leave_owner(tmp_path, HERE)  # another process makes it at just this moment
            return found

    def read(place: lock._Place, name: str) -> None:
        place.remove(name)  # its owner gives it back before it is read

    monkeypatch.setattr(lock, "_read", read)
    monkeypatch.setattr(lock, "_Place", Place)
    with pytest.raises(RunError, match="has just taken it"):
        enter(tmp_path)
    assert (tmp_path / OWNER).exists()


@pytest.mark.usefixtures("without_locks")
@pytest.mark.parametrize("gone", [".lock", OWNER])
def test_a_folder_that_another_process_removes_is_told(gone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    open_plain = lock.open_plain

    def late(path: Path, *arguments: Any, **more: Any) -> int:
        if path.name == gone:
            shutil.rmtree(folder)
        return open_plain(path, *arguments, **more)

    monkeypatch.setattr(lock, "open_plain", late)
    with pytest.raises(RunError, match="another process has removed this folder"):
        enter(folder)


def test_a_lock_whose_file_was_removed_meanwhile_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: (tmp_path / ".lock").unlink())
    with pytest.raises(RunError, match="another process"):
        enter(tmp_path)


def test_only_what_is_certainly_gone_is_gone() -> None:
    gone = dead_process()
    assert is_gone(gone, here=HERE)
    assert is_gone(replace(HERE, began="1"), here=HERE), "the number was given out again"
    assert is_gone(replace(HERE, boot="another"), here=HERE), "the machine was started anew"
    assert not is_gone(HERE, here=HERE)
    assert not is_gone(replace(gone, host="elsewhere"), here=HERE)
    assert not is_gone(replace(gone, machine="another of the same name"), here=HERE)
    assert not is_gone(replace(gone, space="another container"), here=HERE)
    assert not is_gone(replace(gone, boot=""), here=replace(HERE, boot="")), "a system that tells nothing"


def test_nothing_but_taking_the_lock_needs_the_systems_locks() -> None:
    code = "import sys; sys.modules['fcntl'] = None; import tutelage.run.folder, tutelage.run.lock"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
