"""The manifest: told before each write counts, and found wrong at the very line that was damaged."""

import hashlib
import os
import tracemalloc
from pathlib import Path

import pytest

from tutelage.core import layout
from tutelage.core import manifest as writing
from tutelage.core.errors import DiskError, RunError
from tutelage.core.journal import Journal, chained, read_journal
from tutelage.core.manifest import Manifest


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_what_was_written_is_accepted_and_nothing_else(tmp_path: Path) -> None:
    Manifest(tmp_path).put("a.json", b"one")
    journal = read_journal(tmp_path)
    assert journal.accepts("a.json", sha256=sha(b"one"))
    assert not journal.accepts("a.json", sha256=sha(b"two"))
    assert not journal.accepts("b.json", sha256=sha(b"one"))
    assert not journal.accepts("a.json")


def test_the_line_is_on_the_disk_before_the_file_is_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Manifest(tmp_path)
    journal.put("a.json", b"one")

    def cut_off(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut_off)
        with pytest.raises(KeyboardInterrupt):
            journal.put("a.json", b"two")
    read = read_journal(tmp_path)
    assert (tmp_path / "a.json").read_bytes() == b"one"
    assert read.accepts("a.json", sha256=sha(b"one")), "the newer one was never put in place"
    assert read.accepts("a.json", sha256=sha(b"two"))


def test_crashes_one_after_another_leave_what_is_in_place_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Manifest(tmp_path).put("a.json", b"one")
    for content in (b"two", b"three", b"four"):
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("no")))
            with pytest.raises(DiskError, match="no"):
                Manifest(tmp_path).put("a.json", content)
        assert read_journal(tmp_path).accepts("a.json", sha256=sha(b"one"))
    Manifest(tmp_path).put("a.json", b"five")
    assert not read_journal(tmp_path).accepts("a.json", sha256=sha(b"three"))


def test_what_is_written_aside_is_accepted_before_and_after_it_took_its_place(tmp_path: Path) -> None:
    journal, aside, file = Manifest(tmp_path), tmp_path / "aside", tmp_path / "export" / "model.onnx"
    file.parent.mkdir()
    for content in (b"one", b"two"):
        aside.write_bytes(content)
        journal.note("export/model.onnx", aside)
        before = file.read_bytes() if file.exists() else content
        assert read_journal(tmp_path).accepts("export/model.onnx", sha256=sha(before))
        aside.replace(file)
        assert read_journal(tmp_path).accepts("export/model.onnx", sha256=sha(content))
    assert not read_journal(tmp_path).accepts("export/model.onnx", sha256=sha(b"three"))


def test_every_flipped_bit_costs_its_own_line_alone(tmp_path: Path) -> None:
    for number in range(4):
        Manifest(tmp_path).put(f"{number}.json", b"%d" % number)
    whole = (tmp_path / layout.MANIFEST).read_bytes()
    starts = [0, *(at + 1 for at, sign in enumerate(whole) if sign == 10)]
    for position in range(len(whole)):
        journal = Journal()
        journal.read(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        line = sum(start <= position for start in starts)
        damaged = [number for number, _ in journal.damaged]
        if position == len(whole) - 1:
            assert journal.is_torn
            continue
        assert line in damaged or line + 1 in damaged
        assert all(line <= number <= line + 1 for number in damaged)
        kept = [file for file in (f"{number}.json" for number in range(4)) if journal.latest(file) is not None]
        assert len(kept) >= 2


def test_a_last_line_without_its_end_is_a_crashs_and_is_cut_off(tmp_path: Path) -> None:
    Manifest(tmp_path).put("a.json", b"one")
    path = tmp_path / layout.MANIFEST
    with path.open("ab") as file:
        file.write(b'{"file":"b.js')
    journal = read_journal(tmp_path)
    assert journal.is_torn
    assert not journal.damaged
    Manifest(tmp_path).put("c.json", b"three")
    assert not read_journal(tmp_path).damaged
    assert set(read_journal(tmp_path).entries) == {"a.json", "c.json"}


def test_several_writers_continue_one_chain(tmp_path: Path) -> None:
    one, two = Manifest(tmp_path), Manifest(tmp_path)
    for number in range(6):
        (one, two)[number % 2].put(f"{number}.json", b"x")
    journal = read_journal(tmp_path)
    assert not journal.damaged
    assert len(journal.entries) == 6


def test_a_long_journal_is_made_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_LINES", 20)
    journal = Manifest(tmp_path)
    for number in range(50):
        journal.seal({layout.EVENTS: (number, sha(b"%d" % number))})
    read = read_journal(tmp_path)
    assert not read.damaged
    assert read.num_lines <= 22
    assert read.prefixes(layout.EVENTS)[-1].bytes == 49


def test_files_that_are_gone_do_not_make_a_journal_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_LINES", 20)
    journal = Manifest(tmp_path)
    for number in range(60):
        journal.put(f"{number}.json", b"x")
        if number:
            journal.remove(tmp_path / f"{number - 1}.json")
    read = read_journal(tmp_path)
    assert read.num_lines <= 22
    assert read.latest("59.json") is not None


def test_what_was_to_go_is_vouched_for_as_long_as_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"x")
    journal = Manifest(tmp_path)
    journal.announcing(tmp_path / "old", seal="1")(tmp_path / "old")
    for number in range(3):
        # Each is announced, and then the disk refuses its rename.
        journal.announcing(tmp_path / f"new{number}", seal="2", dropping=[tmp_path / "old"])(tmp_path / "old")
        assert read_journal(tmp_path).accepts("old", seal="1")


def test_a_manifest_that_cannot_be_read_is_not_called_missing(tmp_path: Path) -> None:
    (tmp_path / layout.MANIFEST).mkdir()
    assert read_journal(tmp_path).unread
    assert not read_journal(tmp_path / "nowhere").unread


def test_the_sealed_beginnings_of_a_log_end_where_it_was_cut(tmp_path: Path) -> None:
    journal = Manifest(tmp_path)
    for size in (100, 200, 100, 150):
        journal.seal({layout.EVENTS: (size, f"{size:064d}")})
    assert [entry.bytes for entry in read_journal(tmp_path).prefixes(layout.EVENTS)] == [100, 150]


def test_a_manifest_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / layout.MANIFEST).write_bytes(chained("", {"format": "manifest-9"})[0])
    with pytest.raises(RunError, match="format 'manifest-9'; this version reads 'manifest-1'"):
        read_journal(tmp_path)


@pytest.mark.parametrize("file", ["../x", "/etc/passwd", "a/../../x", ""])
def test_no_line_names_a_file_outside(file: str, tmp_path: Path) -> None:
    first, check = chained("", {"format": "manifest-1"})
    line, _ = chained(check, {"file": file, "bytes": 1, "sha256": "0"})
    (tmp_path / layout.MANIFEST).write_bytes(first + line)
    assert [number for number, _ in read_journal(tmp_path).damaged] == [2]


def test_a_manifest_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / layout.MANIFEST).symlink_to(tmp_path / "outside")
    with pytest.raises(RunError, match=r"manifest\.jsonl: is a link"):
        Manifest(tmp_path / "run").put("a.json", b"one")
    (tmp_path / "run" / layout.MANIFEST).unlink()
    os.link(tmp_path / "outside", tmp_path / "run" / layout.MANIFEST)
    with pytest.raises(RunError, match="has a second name elsewhere"):
        Manifest(tmp_path / "run").put("a.json", b"one")
    assert (tmp_path / "outside").read_bytes() == b""


def test_a_number_that_is_not_finite_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"a\.json: cannot be written: x = inf"):
        Manifest(tmp_path).put_json("a.json", {"x": float("inf")})


def test_a_line_that_waited_while_the_journal_was_replaced_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Manifest(tmp_path)
    other.put("a.json", b"one")
    taken, lock = [], writing._lock

    def replaced_meanwhile(opened: int) -> None:
        if not taken:
            taken.append(opened)
            # Another process wrote the journal anew between our opening it and our holding it.
            replacement = tmp_path / "anew"
            replacement.write_bytes((tmp_path / layout.MANIFEST).read_bytes())
            replacement.replace(tmp_path / layout.MANIFEST)
        lock(opened)

    monkeypatch.setattr(writing, "_lock", replaced_meanwhile)
    Manifest(tmp_path).put("b.json", b"two")
    assert read_journal(tmp_path).accepts("b.json", sha256=sha(b"two"))


def test_a_line_asks_for_no_more_memory_than_there_is_to_read(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.put("a.json", b"one")
    other = Manifest(tmp_path)
    tracemalloc.start()
    try:
        other.put("b.json", b"two")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert read_journal(tmp_path).accepts("a.json", sha256=sha(b"one"))
