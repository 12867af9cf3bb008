"""A run folder that somebody else made leads nowhere else, and nobody waits for what is in it."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tutelage.core import layout
from tutelage.core.errors import RunError
from tutelage.core.plain import check_plain, open_plain
from tutelage.run.lock import LOCK, OWNER, locked

FILES = [*layout.FILES, "best/predictor.safetensors", "steps/000000007.safetensors"]


def make_socket(path: Path) -> None:
    # The name of a socket must be short.
    before = Path.cwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)
    os.chdir(before)


def make_link(path: Path) -> None:
    (path.parent / "elsewhere").touch()
    path.symlink_to("elsewhere")


FAULTS: dict[str, Callable[[Path], None]] = {
    "a symbolic link": make_link,
    "a named pipe": os.mkfifo,
    "a socket": make_socket,
    "a folder": Path.mkdir,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_plain_file_is_named(name: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    FAULTS[fault](path)
    with pytest.raises(RunError, match=f"{path}: is {fault}, expected a plain file"):
        check_plain(tmp_path)


@pytest.mark.parametrize("name", layout.FOLDERS)
def test_a_folder_that_is_a_link_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / name).symlink_to("elsewhere")
    with pytest.raises(RunError, match=rf"{name}: is a symbolic link, expected a folder\. .*cp -rL"):
        check_plain(tmp_path)


def test_a_log_with_a_second_name_is_read_but_not_written_on(tmp_path: Path) -> None:
    (tmp_path / "copy").touch()
    (tmp_path / layout.EVENTS).hardlink_to(tmp_path / "copy")
    check_plain(tmp_path)
    with pytest.raises(RunError, match=r"events\.jsonl: has a second name elsewhere .*cp .* && mv"):
        check_plain(tmp_path, is_resumed=True)


def test_a_folder_reached_through_a_link_and_files_of_the_users_own_are_left_to_him(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "notes").symlink_to("/")
    (tmp_path / "link").symlink_to("run")
    check_plain(tmp_path / "link")
    check_plain(tmp_path / "missing")


@pytest.mark.parametrize("name", [LOCK, OWNER])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_lock_is_taken_through_what_is_no_plain_file(fault: str, name: str, tmp_path: Path) -> None:
    FAULTS[fault](tmp_path / name)
    with pytest.raises(RunError, match=rf"{name}: is .*, expected a plain file"), locked(tmp_path):
        pass


def test_a_file_with_a_second_name_is_not_opened_in_place(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    with pytest.raises(RunError, match="a hard link"):
        open_plain(tmp_path / "b", os.O_WRONLY)
