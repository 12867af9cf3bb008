"""A run folder is there with all that it needs to begin, or not at all."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tutelage.core import layout
from tutelage.core.disk import disk_error
from tutelage.core.errors import DiskError, RunError, UsageError
from tutelage.run.birth import MARK, born, check_place, is_unborn, tidy
from tutelage.run.lock import LOCK, locked


class Killed(BaseException):
    """Stands for the end of a process that cleans nothing up."""


def fill(folder: Path) -> None:
    for name in layout.FOLDERS:
        (folder / name).mkdir()
    for name in (layout.RECIPE, layout.ENV, layout.DATA, layout.PLAN):
        (folder / name).write_text(name)


def make(out: str, *, fill: Callable[[Path], None] = fill) -> Path:
    with born(out, name="set", fill=fill) as folder:
        return folder


def half(folder: Path) -> None:
    (folder / layout.STEPS).mkdir()
    (folder / layout.RECIPE).write_text("")
    (folder / ".data.json.1234.tmp").write_text("")
    raise Killed


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("is_named", [True, False])
def test_what_the_disk_refuses_is_told_of_the_folder_that_was_asked_for(place: Path, is_named: bool) -> None:
    def refused(folder: Path) -> None:
        error = OSError(errno.EIO, os.strerror(errno.EIO), str(folder / layout.RECIPE))
        raise disk_error(error, path=folder / layout.RECIPE, needs=5) if is_named else error

    with pytest.raises(DiskError, match=rf"^a/b/{layout.RECIPE}: cannot be written .* The disk reports a fault") as caught:
        make("a/b", fill=refused)
    assert ".birth" not in str(caught.value)
    assert caught.value.path == f"a/b/{layout.RECIPE}"
    assert list((place / "a").iterdir()) == []


def test_a_new_folder_comes_whole_and_owned(place: Path) -> None:
    seen: list[bool] = []

    def look(folder: Path) -> None:
        fill(folder)
        seen.append((place / "a" / "b").exists())

    with born("a/b", name="set", fill=look) as folder:
        assert folder == Path("a/b")
        assert (folder / layout.PLAN).is_file()
        with pytest.raises(RunError, match="another process"), locked(folder):
            pass
    assert seen == [False]
    assert [path.name for path in (place / "a").iterdir()] == ["b"]


def test_numbers_are_given_once() -> None:
    Path("runs/set-002").mkdir(parents=True)
    assert [str(make("")) for _ in range(2)] == ["runs/set-001", "runs/set-003"]


def test_of_a_birth_that_fails_nothing_is_left(place: Path) -> None:
    with pytest.raises(Killed):
        make("run", fill=half)
    assert list(place.iterdir()) == []


def test_what_a_killed_process_was_building_is_swept_by_the_next_and_what_is_being_built_is_not(place: Path) -> None:
    left, own, foreign = (place / f".tutelage-{word}.birth" for word in ("aaaa", "bbbb", "cccc"))
    for folder in (left, own):
        (folder / layout.STEPS).mkdir(parents=True)
        (folder / layout.PLAN).touch()
    (place / "elsewhere").mkdir()
    foreign.symlink_to("elsewhere")
    with locked(own):
        make("run")
        assert {path.name for path in place.iterdir()} == {own.name, foreign.name, "elsewhere", "run"}
    assert all(map(is_unborn, (left, own)))
    assert not is_unborn(place / "run")


def test_a_folder_that_gets_its_name_while_others_look_for_leftovers_is_left_alone(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    being_built = place / ".tutelage-aaaa.birth"
    being_built.mkdir()
    look = os.scandir

    def then_renamed(path: Path) -> list[os.DirEntry[str]]:
        found = list(look(path))
        if being_built.is_dir():
            being_built.rename(place / "born")
        return found

    monkeypatch.setattr(os, "scandir", then_renamed)
    make("run")
    assert {path.name for path in place.iterdir()} == {"run", "born"}


def test_a_folder_that_is_there_stays_the_same_one(place: Path) -> None:
    (place / "run").mkdir(mode=0o700)
    inode = (place / "run").stat().st_ino
    assert make("run") == Path("run")
    assert (place / "run").stat().st_ino == inode
    assert not (place / "run" / MARK).exists()


def test_of_a_birth_that_fails_in_a_folder_that_is_there_only_the_lock_is_left(place: Path) -> None:
    def refuse(folder: Path) -> None:
        with pytest.raises(Killed):
            half(folder)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (place / "run").mkdir()
    with pytest.raises(OSError, match="No space left"):
        make("run", fill=refuse)
    assert [path.name for path in (place / "run").iterdir()] == [LOCK]
    make("run")


@pytest.mark.parametrize("also", [[], [LOCK]])
def test_in_a_folder_that_is_there_a_half_born_run_is_begun_again(also: list[str], place: Path) -> None:
    (place / "run").mkdir()
    with pytest.raises(Killed):
        make("run", fill=half)
    for name in also:
        (place / "run" / name).touch()
    assert (place / "run" / MARK).exists()
    check_place("run")
    make("run")
    assert {path.name for path in (place / "run").iterdir()} == {
        LOCK, *layout.FOLDERS, layout.RECIPE, layout.ENV, layout.DATA, layout.PLAN,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["notes.txt", "steps/000000001.safetensors", "report.html"])
def test_what_is_not_of_a_birth_is_never_taken_away(name: str, place: Path) -> None:
    path = place / "run" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    (place / "run" / MARK).touch()
    with pytest.raises(UsageError, match=r"not empty: it holds .*, and no run"):
        make("run")
    assert path.exists()


def test_a_place_that_is_taken_is_told_by_what_is_there(place: Path) -> None:
    make("run")
    (place / "file").touch()
    (place / "other").mkdir()
    for number in range(5):
        (place / "other" / f"{number}.txt").touch()
    with pytest.raises(UsageError, match=r"--out run: not empty: a run is there\. .*tutelage resume run"):
        make("run")
    with pytest.raises(UsageError, match="--out file: is a file"):
        make("file")
    with pytest.raises(UsageError, match=r"--out other: not empty: it holds 0\.txt, 1\.txt, 2\.txt and 2 more, and no run"):
        make("other")


@pytest.mark.parametrize("out", ["run", ""])
def test_a_file_system_that_renames_no_open_folder_is_made_do_without(out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "a file in it is open")

    monkeypatch.setattr(os, "rename", refuse)
    folder = make(out)
    assert (folder / layout.PLAN).is_file()
    assert not any(is_unborn(path) for path in folder.parent.iterdir())


def test_two_that_begin_at_the_same_place_do_not_mix(place: Path) -> None:
    def overtaken(folder: Path) -> None:
        fill(folder)
        make("run")

    with pytest.raises(UsageError, match="another process has just begun a run there"):
        make("run", fill=overtaken)
    assert [path.name for path in place.iterdir()] == ["run"]


def test_a_link_leads_to_the_place(place: Path) -> None:
    (place / "link").symlink_to("big/disk")
    assert make("link") == Path("link")
    assert (place / "big" / "disk" / layout.PLAN).is_file()
    assert make("missing/../plain").name == "plain"


def test_a_run_that_has_ended_is_tidied_unless_somebody_works_in_it(place: Path) -> None:
    make("run")
    left = place / "run" / ".result.json.12345678.tmp"
    left.touch()
    with locked(place / "run"):
        tidy(place / "run")
        assert left.exists()
    tidy(place / "run")
    assert not left.exists()
