"""Text files as one long text: recognized by themselves, joined in order, and named with file and line where they are bad."""

import gzip
import os
from pathlib import Path

import pytest

from tutelage.core.errors import DataError, UsageError
from tutelage.data.part.corpus import CorpusPart
from tutelage.data.source.base import Collected
from tutelage.data.source.corpus_files import read_corpus
from tutelage.data.source.plain_text import PlainText
from tutelage.data.source.recognize import recognize
from tutelage.data.source.table import TableSource
from tutelage.planning.recipe import recipe_from
from tutelage.run.collect import source_kind

PROSE = "It was a bright day, and cold.\nThe clocks were striking thirteen, and Winston slipped in.\nHe was thirty-nine.\n"


def write(folder: Path, **texts: str | bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for stem, text in texts.items():
        (folder / f"{stem}.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def text_of(collected: Collected, part: str = "train") -> str:
    found = getattr(collected, part)
    assert isinstance(found, CorpusPart)
    return found.text


def test_a_text_is_recognized_by_itself_and_a_table_stays_one(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", prose=PROSE, table="a,b\n1,2\n3,4\n5,6\n", line="just one line of words")
    assert recognize(str(folder / "prose.txt")) is PlainText
    assert recognize(str(folder / "line.txt")) is PlainText
    assert recognize(str(folder / "table.txt")) is TableSource
    assert text_of(PlainText(path=str(folder / "prose.txt")).collect()) == PROSE


def test_a_folder_of_texts_is_joined_in_the_order_of_names_and_says_so(tmp_path: Path) -> None:
    folder = write(tmp_path / "letters", b="second\n", a="first\n", c=" \n")
    assert recognize(str(folder)) is PlainText
    found = PlainText(path=str(folder)).collect()
    assert text_of(found) == "first\n\nsecond\n"
    assert any("a.txt, b.txt, c.txt" in note for note in found.notes)
    assert any("c.txt: nothing but blanks" in note for note in found.notes)
    assert found.name == "letters"


def test_files_called_train_and_test_are_parts(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", train="learn\n", test="judge\n", valid="watch\n")
    found = PlainText(path=str(folder)).collect()
    assert (text_of(found), text_of(found, "test"), text_of(found, "validation")) == ("learn\n", "judge\n", "watch\n")


def test_a_folder_with_other_things_is_not_read_and_these_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", a=PROSE)
    (folder / "notes.odt").write_bytes(b"\0")
    with pytest.raises(UsageError, match=r"1 .txt files in it, move the rest elsewhere: notes\.odt"):
        recognize(str(folder))


def test_a_packed_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "book.txt.gz").write_bytes(gzip.compress(PROSE.encode()))
    assert text_of(recognize(str(tmp_path / "book.txt.gz"))(path=str(tmp_path / "book.txt.gz")).collect()) == PROSE


def test_mixed_encodings_are_named_with_file_and_line_all_at_once(tmp_path: Path) -> None:
    mixed = "Grüße\nzwei\n".encode() + "drüben\n".encode("latin-1")
    folder = write(tmp_path / "x", a=mixed, b=PROSE, c=b"one\ntwo \0 three\n")
    with pytest.raises(DataError) as caught:
        PlainText(path=str(folder)).collect()
    assert [problem.where for problem in caught.value.problems] == ["a.txt line 3", "c.txt line 2"]


def test_an_old_encoding_is_read_and_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", a="drüben\n".encode("latin-1"), b="hier\n")
    found = PlainText(path=str(folder)).collect()
    assert text_of(found).startswith("drüben")
    assert any("a.txt" in note and "cp1252" in note for note in found.notes)


def test_folders_within_a_folder_are_one_text_where_the_task_is_language(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(write(tmp_path / "x", first=PROSE) / name, inner=f"{name} {PROSE}")
    (tmp_path / "x" / "notes.md").write_text("no")
    recipe = recipe_from({"source": str(tmp_path / "x"), "task": "language"}, where="test")
    assert source_kind(recipe) is PlainText
    found = PlainText(path=recipe.source).collect()
    assert text_of(found) == "\n\n".join([f"a {PROSE}".rstrip(), f"b {PROSE}".rstrip(), PROSE])
    assert found.notes == (
        "3 files as one text, joined in the order of their names: a/inner.txt, b/inner.txt, first.txt",
        "passed over, since they are no .txt: notes.md",
    )


def test_line_ends_of_windows_are_read_as_plain_ones_and_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", a=PROSE.replace("\n", "\r\n"))
    found = PlainText(path=str(folder / "a.txt")).collect()
    assert text_of(found) == PROSE
    assert found.notes == ("a.txt: 3 line ends as Windows writes them (CR LF) are read as plain ones (LF)",)


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_an_empty_text_is_named(text: str, tmp_path: Path) -> None:
    path = str(write(tmp_path / "x", empty=text) / "empty.txt")
    assert recognize(path) is PlainText
    with pytest.raises(DataError, match=r"empty\.txt.*nothing but blanks"):
        PlainText(path=path).collect()


def test_one_huge_line_is_fine(tmp_path: Path) -> None:
    path = str(write(tmp_path / "x", line="ab " * 500_000) / "line.txt")
    assert len(text_of(recognize(path)(path=path).collect())) == 1_500_000


def test_a_text_that_cannot_be_held_is_refused_at_once(tmp_path: Path) -> None:
    endless = tmp_path / "endless.txt"
    endless.touch()
    os.truncate(endless, 2**45)
    with pytest.raises(DataError, match=r"endless\.txt: 35,184,372,088,832 bytes of text, of which at most .* fit"):
        read_corpus([endless], name="train")
