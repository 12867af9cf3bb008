"""Measured series: sktime's `.ts` files, and the text files of the UCR archive (label first, no header).

```
tutelage train GunPoint/                   # with GunPoint_TRAIN.ts and GunPoint_TEST.ts in it
tutelage train GunPoint/GunPoint_TRAIN.ts  # the same
tutelage train GunPoint/GunPoint_TRAIN.tsv # of the UCR archive, with GunPoint_TEST.tsv beside it
```
Not for tables of rows that have nothing to do with time.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from tutelage.core.errors import DataError, DataProblem, TutelageError, UsageError
from tutelage.data.part.series import SeriesPart
from tutelage.data.source.base import Collected, Source
from tutelage.data.source.series_arrays import read_series_arrays
from tutelage.data.source.series_lines import RowProblem, SeriesFile, SeriesRow, row_problem, series_part
from tutelage.data.source.text_encoding import UNREADABLE, open_text
from tutelage.data.source.ts_lines import read_ts
from tutelage.data.source.ucr_lines import is_ucr_line, read_ucr

__all__ = ["SeriesSource"]

TRAIN, TEST = "_train", "_test"
"""How the names of files end that belong together, in small letters and before the suffix."""
TS = ".ts"
UCR_SUFFIXES = (".tsv", ".txt", "")
REMEDY = "Expected .ts files, or X_TRAIN.tsv beside X_TEST.tsv as in the UCR archive."


class SeriesSource(Source):
    """Series with labels."""

    kind: Literal["series"] = "series"
    has_targets: ClassVar[bool] = False

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell from names, and for the UCR archive's files from the first line, whether there are series."""
        return bool(_files(Path(path)))

    def collect(self) -> Collected:
        """Read the train series, and the test series where there are any."""
        train_file, test_file = _parts(self.path)
        if self.test:
            test_file = _only(self.test, TEST)
        train, problems = _read([train_file], name="train", needs_labels=True)
        test = None
        if test_file is not None:
            test, more = _read([test_file], name="test", needs_labels=True)
            problems += more
        name = train_file.stem[: -len(TRAIN)] if train_file.stem.casefold().endswith(TRAIN) else train_file.stem
        return Collected(name=name, train=train, test=test, problems=tuple(problems))

    def of_arrays(self, data: Any, *, name: str) -> tuple[SeriesPart, Sequence[DataProblem]]:
        """Take an array [N, T] or [N, T, C], or a list of arrays of any lengths, as series."""
        return read_series_arrays(data, name=name)

    def read_input(self, paths: Sequence[str]) -> tuple[SeriesPart, tuple[DataProblem, ...]]:
        """Read series to predict on, of a folder the test part; labels are there where every series has one."""
        part, problems = _read([_only(path, TEST) for path in paths], name="input", needs_labels=False)
        return part, tuple(problems)


def _files(path: Path) -> list[Path]:
    """Return the files of series that a path names or holds."""
    if path.is_file():
        return [path] if (path.suffix.casefold() == TS and _is_ts(path)) or _is_ucr(path) else []
    if not path.is_dir():
        return []
    inside = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    return [file for file in inside if file.suffix.casefold() == TS and _is_ts(file)] or [
        file for file in inside if _is_ucr(file)
    ]


def _is_ts(file: Path) -> bool:
    """Tell series from TypeScript, whose files end alike: those begin with a comment or with what stands about them."""
    with file.open("rb") as opened:
        start = opened.read(4096).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    return not start or start[0] in "#@"


def _is_ucr(file: Path) -> bool:
    """Tell by name, its twin and its first line whether a file is one of the UCR archive's."""
    if file.suffix.casefold() not in UCR_SUFFIXES or _twin(file) is None:
        return False
    try:
        return is_ucr_line(next(open_text(file).lines(), ""))
    except (TutelageError, OSError):
        return False


def _twin(file: Path) -> Path | None:
    """Return the other file of a pair such as `X_TRAIN.ts` and `X_TEST.ts`; None where there is none."""
    for own, other in ((TRAIN, TEST), (TEST, TRAIN)):
        if file.stem.casefold().endswith(own):
            wanted = file.stem[: -len(own)].casefold() + other + file.suffix.casefold()
            return next((near for near in sorted(file.parent.iterdir()) if near.name.casefold() == wanted), None)
    return None


def _parts(path: str) -> tuple[Path, Path | None]:
    """Choose the train and the test file."""
    train = _only(path, TRAIN)
    twin = _twin(train)
    return (twin, train) if twin is not None and train.stem.casefold().endswith(TEST) else (train, twin)


def _only(path: str, ending: str) -> Path:
    """Return the file itself, or the one of a folder that is named so, or its only one.

    Raises:
        UsageError: There is none, or there are several.
    """
    place = Path(path)
    files = _files(place)
    if place.is_file() and not files and place.suffix.casefold() in (TS, *UCR_SUFFIXES):
        return place  # named beside a file that was recognized: a test file without its twin
    if not files:
        raise UsageError(f"{path}: no series here. {REMEDY}")
    named = [file for file in files if file.stem.casefold().endswith(ending)] or files
    if len(named) > 1:
        raise UsageError(f"{path}: several files of series: {', '.join(file.name for file in named[:6])}. Name one of them.")
    return named[0]


def _read(files: Sequence[Path], *, name: str, needs_labels: bool) -> tuple[SeriesPart, list[DataProblem]]:
    """Read files one after another; series that cannot stand are left out and told of."""
    rows: list[SeriesRow] = []
    problems: list[DataProblem] = []
    target = ""
    item = 0
    for file in files:
        read = _read_file(file, needs_labels=needs_labels)
        target = target or read.target
        channels = _usual_channels(read)
        for found in read.rows:
            bad = found if isinstance(found, RowProblem) else row_problem(found, channels=channels, needs_labels=needs_labels)
            if isinstance(bad, RowProblem):
                problems.append(DataProblem(bad.where, bad.found, bad.remedy, item))
            elif isinstance(found, SeriesRow):
                rows.append(found)
            item += 1
    if not rows:
        raise DataError(problems or [DataProblem(files[0].name, "no series in it", REMEDY)])
    return series_part(name, rows, target), problems


def _read_file(file: Path, *, needs_labels: bool) -> SeriesFile:
    """Read one file by its format."""
    try:
        lines = [line.rstrip("\r\n") for line in open_text(file).lines()]
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror or error}). {REMEDY}") from None
    for number, line in enumerate(lines, start=1):
        if UNREADABLE.search(line):
            raise DataError([DataProblem(f"{file.name} line {number}", "bytes that are no text", "Save the file as UTF-8.")])
    if file.suffix.casefold() == TS:
        return read_ts(lines, file.name, needs_labels=needs_labels)
    return read_ucr(lines, file.name)


def _usual_channels(read: SeriesFile) -> int:
    """Return how many values at a time the series of a file have: as its header says, or as most of them have."""
    counts = [row.values.shape[1] for row in read.rows if isinstance(row, SeriesRow)]
    return read.channels or (int(np.bincount(counts).argmax()) if counts else 1)
