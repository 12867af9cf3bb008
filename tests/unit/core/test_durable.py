"""Files written aside: whole or as before, and nothing left over."""

from pathlib import Path

import pytest

from tutelage.core.durable import replacing, sweep, write_durably


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
