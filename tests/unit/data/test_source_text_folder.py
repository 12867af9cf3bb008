"""Folders of texts: which folder is what, how files are written, and everything wrong with them, told at once."""

import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tutelage.core.errors import DataError
from tutelage.data.part.texts import TextPart
from tutelage.data.prepare.texts import Texts
from tutelage.data.source import text_folder
from tutelage.data.source.recognize import recognize, recognize_input
from tutelage.data.source.text_folder import TextFolder


def put(path: Path, text: str | bytes = "some words") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def train_of(root: Path, **settings: Any) -> TextPart:
    found = TextFolder(path=str(root), **settings).collect()
    assert isinstance(found.train, TextPart)
    return found.train


def test_each_file_is_a_text_and_its_folder_its_class(tmp_path: Path) -> None:
    for name in ("pos/10.txt", "pos/9.txt", "neg/deep/1.txt", "neg/notes.md"):
        put(tmp_path / name, f"text of {name}")
    found = TextFolder(path=str(tmp_path)).collect()
    assert isinstance(found.train, TextPart)
    assert found.train.names.tolist() == ["neg/deep/1.txt", "pos/9.txt", "pos/10.txt"]
    assert found.train.labels is not None
    assert found.train.labels.tolist() == ["neg", "pos", "pos"]
    assert found.train.texts[1] == "text of pos/9.txt"
    assert any("passed over 1 x .md file" in note for note in found.notes)
    assert recognize(str(tmp_path)) is TextFolder


def test_a_stray_picture_does_not_make_a_folder_of_texts_one_of_images(tmp_path: Path) -> None:
    for number in range(6):
        put(tmp_path / f"{['pos', 'neg'][number % 2]}/{number}.txt")
    put(tmp_path / "pos/cover.jpg")
    assert recognize(str(tmp_path)) is TextFolder
    assert "train: passed over 1 x .jpg file (pos/cover.jpg)" in TextFolder(path=str(tmp_path)).collect().notes
    for number in range(6):
        put(tmp_path / f"{['pos', 'neg'][number % 2]}/{number}.jpg")
    assert recognize(str(tmp_path)) is not TextFolder, "texts beside as many pictures are what is written of these"


def test_train_test_and_validation_folders_are_parts(tmp_path: Path) -> None:
    for name in ("train/a/1.txt", "train/b/2.txt", "test/A/3.txt", "val/b/4.txt"):
        put(tmp_path / name)
    found = TextFolder(path=str(tmp_path)).collect()
    assert isinstance(found.test, TextPart)
    assert isinstance(found.validation, TextPart)
    assert found.test.labels is not None
    assert found.test.labels.tolist() == ["a"], "in the spelling of the train part"
    assert found.validation.names.tolist() == ["val/b/4.txt"]


def test_texts_without_a_class_are_left_out_and_told(tmp_path: Path) -> None:
    for name in ("train/pos/1.txt", "train/neg/2.txt", "train/unsup/3.txt", "test/pos/4.txt", "test/neg/5.txt"):
        put(tmp_path / name)
    found = TextFolder(path=str(tmp_path)).collect()
    assert isinstance(found.train, TextPart)
    assert found.train.names.tolist() == ["train/neg/2.txt", "train/pos/1.txt"]
    assert any("train/unsup" in warning and "without a class" in warning for warning in found.warnings)


def test_encodings_are_found_file_by_file_and_told(tmp_path: Path) -> None:
    put(tmp_path / "a/1.txt", "käse".encode("cp1252"))
    put(tmp_path / "a/2.txt", "käse".encode("utf-16"))
    put(tmp_path / "a/3.txt", "käse".encode("utf-8-sig"))
    put(tmp_path / "b/4.txt", "käse")
    found = TextFolder(path=str(tmp_path)).collect()
    assert isinstance(found.train, TextPart)
    assert set(found.train.texts) == {"käse"}
    assert any("2 of 4 texts are not UTF-8" in note and "a/1.txt" in note for note in found.notes)


def test_bytes_that_are_no_text_are_named_with_file_and_line(tmp_path: Path) -> None:
    put(tmp_path / "a/1.txt", "fine ä\nbroken ".encode() + b"\xff\xfe here\n")
    put(tmp_path / "a/2.txt", b"zero\0byte")
    put(tmp_path / "a/3.txt")
    put(tmp_path / "b/4.txt")
    found = TextFolder(path=str(tmp_path)).collect()
    assert [problem.where for problem in found.problems] == ["a/1.txt line 2", "a/2.txt line 1"]
    assert all("no text in utf-8" in problem.found and problem.items for problem in found.problems)
    assert isinstance(found.train, TextPart)
    assert found.train.names.tolist() == ["a/3.txt", "b/4.txt"], "what is bad is also absent"


def test_a_file_too_large_for_a_text_and_what_is_no_file_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a/1.txt", "x" * 100)
    put(tmp_path / "b/2.txt")
    (tmp_path / "b/3.txt").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "b/4.txt")
    monkeypatch.setattr(text_folder, "MAX_BYTES", 50)
    problems = {problem.where: problem.found for problem in TextFolder(path=str(tmp_path)).collect().problems}
    assert problems["a/1.txt"] == "100 bytes, more than 50 in one text"
    assert problems["b/3.txt"] == "a link that leads nowhere"
    assert problems["b/4.txt"] == "not a regular file"


def test_one_class_alone_and_empty_class_folders_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "a/1.txt")
    (tmp_path / "b").mkdir()
    problems = [str(problem) for problem in TextFolder(path=str(tmp_path)).collect().problems]
    assert any("a class folder without texts" in problem for problem in problems)
    assert any("only one class (a)" in problem for problem in problems)


def test_empty_texts_stay_rows_and_are_named_before_training(tmp_path: Path) -> None:
    for name, text in (("a/1.txt", ""), ("a/2.txt", "fine words"), ("b/3.txt", " \n\t"), ("b/4.txt", "good")):
        put(tmp_path / name, text)
    part = train_of(tmp_path)
    warnings = Texts().fit(part).odd_rows(part)
    assert len(part) == 4
    assert len(warnings) == 1
    assert warnings[0].startswith("train: texts that are empty or blank: 2 (a/1.txt, b/3.txt): ")


def test_one_huge_line_is_named_before_training(tmp_path: Path) -> None:
    put(tmp_path / "a/1.txt", "word " * 300_000)
    put(tmp_path / "b/2.txt")
    part = train_of(tmp_path)
    warnings = Texts(length=50).fit(part).odd_rows(part)
    assert len(warnings) == 1
    assert "train: texts that are of more than 1,000,000 characters: 1 (a/1.txt)" in warnings[0]
    assert "50 together" in warnings[0]


def test_to_predict_on_are_files_folders_and_class_folders(tmp_path: Path) -> None:
    one, two = put(tmp_path / "in/1.txt", "first"), put(tmp_path / "in/2.txt", "second")
    part, _ = TextFolder().read_input([str(two), str(one)])
    assert isinstance(part, TextPart)
    assert (part.texts.tolist(), part.labels) == (["second", "first"], None)
    part, _ = TextFolder().read_input([str(tmp_path / "in")])
    assert len(part) == 2
    put(tmp_path / "known/a/3.txt")
    put(tmp_path / "known/b/4.txt")
    part, _ = TextFolder().read_input([str(tmp_path / "known")])
    assert part.labels is not None
    assert part.labels.tolist() == ["a", "b"]
    other = put(tmp_path / "rows.csv", "a,b\n1,2\n")
    with pytest.raises(DataError, match=r"not a \.txt file"):
        TextFolder().read_input([str(one), str(other)])


def lines(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
    return TextFolder().read_input(["-"])


def test_lines_of_standard_input_are_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    part, problems = lines("one text\r\n\nä third".encode(), monkeypatch)
    assert part.texts.tolist() == ["one text", "", "ä third"]
    assert [part.locate(row) for row in range(3)] == ["line 1", "line 2", "line 3"]
    assert not problems
    part, problems = lines(b"good\nbad \xff\ngood", monkeypatch)
    assert part.names.tolist() == ["line 1", "line 3"]
    assert [problem.where for problem in problems] == ["standard input, line 2"]
    with pytest.raises(DataError, match="no lines"):
        lines(b"", monkeypatch)


def test_what_learned_from_a_table_reads_tables_and_texts_all_the_same(tmp_path: Path) -> None:
    table = put(tmp_path / "rows.txt", "text\tlabel\n" + "a b c\tx\n" * 20)
    prose = put(tmp_path / "prose.txt", "Once upon a time, there was a fox; it slept.\nThen it woke.")
    rows, of_table = str(table), {"text": "text"}
    assert recognize_input(rows, first="text_folder", reading=of_table).__name__ == "TableSource"
    assert recognize_input(rows, first="text_folder", reading={}) is TextFolder
    assert recognize_input(str(prose), first="text_folder", reading=of_table) is TextFolder
    assert recognize_input("-", first="text_folder", reading=of_table) is TextFolder


def test_the_fingerprint_is_that_of_content_and_labels(tmp_path: Path) -> None:
    for root in ("one", "two"):
        for name in ("a/1.txt", "b/2.txt"):
            put(tmp_path / root / name)
    first = train_of(tmp_path / "one").fingerprint
    assert first == train_of(tmp_path / "two").fingerprint
    put(tmp_path / "two/a/1.txt", "other words")
    assert first != train_of(tmp_path / "two").fingerprint
    assert np.array_equal(train_of(tmp_path / "one").labels, ["a", "b"])  # type: ignore[arg-type]
