"""Text files as one long text: read whole, joined in the order of their names, refused where bytes in them are no text."""

from collections.abc import Sequence
from pathlib import Path

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.free_memory import free_memory_bytes
from tutelage.core.names import readable
from tutelage.data.part.corpus import CorpusPart, hash_text
from tutelage.data.source.text_encoding import UNREADABLE, TextFile, open_text

__all__ = ["read_corpus"]

BETWEEN = "\n\n"
"""What stands between two files: a blank line."""
RETURN = "\r\n"
"""The end of a line as Windows writes it: one character more to learn, which says nothing."""
HELD = 2
"""How often a text is held while it is read: each file's, and all of them joined."""
ENCODING_REMEDY = "Save the file as UTF-8 as a whole, or mend that line."


def read_corpus(files: Sequence[Path], *, name: str, said: str = "") -> tuple[CorpusPart, tuple[str, ...]]:
    """Read files as one text, line ends alike, and return what is worth telling about them.

    Args:
        files: At least one, in the order in which they are joined.
        name: The part's name.
        said: What the whole is called in messages; "" = as the first file.

    Raises:
        DataError: They do not fit into the memory; files with bytes that are no text, all of them; or there is no text at all.
        OSError: One cannot be read.
    """
    _require_room(files)
    texts: list[str] = []
    notes: list[str] = []
    problems: list[DataProblem] = []
    for file in files:
        shown = readable(file.name)
        opened = open_text(file)
        if opened.is_damaged:
            problems.append(_first_damage(opened, shown))
            continue
        text = opened.text()
        if num_returns := text.count(RETURN):
            text = text.replace(RETURN, "\n")
            notes.append(f"{shown}: {num_returns:,} line ends as Windows writes them (CR LF) are read as plain ones (LF)")
        texts.append(text)
        if opened.note:
            notes.append(f"{shown}: {opened.note}")
        if len(files) > 1 and not texts[-1].strip():
            texts.pop()
            notes.append(f"{shown}: nothing but blanks in it, passed over")
    said = said or readable(files[0].name)
    if not problems and not any(text.strip() for text in texts):
        problems.append(DataProblem(said, "nothing but blanks in it", "Give a file with text."))
    if problems:
        raise DataError(problems)
    text = texts[0] if len(texts) == 1 else BETWEEN.join(text.strip("\r\n") for text in texts) + "\n"
    return CorpusPart(name=name, text=text, file=said, fingerprint=hash_text(text)), tuple(notes)


def _require_room(files: Sequence[Path]) -> None:
    """Refuse what cannot be held, before hours are spent on reading it."""
    sizes, free = {file: file.stat().st_size for file in files}, free_memory_bytes()
    if HELD * sum(sizes.values()) <= free:
        return
    largest = max(sizes, key=lambda file: sizes[file])
    found = f"{sum(sizes.values()):,} bytes of text, of which at most {free // HELD:,} fit into the free memory"
    raise DataError([DataProblem(readable(largest.name), found, "Give a part of it, or a machine with more memory.")])


def _first_damage(opened: TextFile, shown: str) -> DataProblem:
    """Name the first line with bytes that could not be read."""
    found = f"bytes that are no text in {opened.encoding}"
    for number, line in enumerate(opened.lines(), start=1):
        if UNREADABLE.search(line):
            return DataProblem(f"{shown} line {number}", found, ENCODING_REMEDY)
    return DataProblem(shown, found, ENCODING_REMEDY)
