"""A table in a file: CSV, TSV, text as in the UCI archive, JSON Lines, Excel, Parquet or Arrow; one column is predicted.

Also a folder with `train.csv` and `test.csv`, with `x.data` and `x.test`, or with a single table; text and JSON also packed
(`.gz`, `.bz2`, `.xz`, `.zip`). Delimiter, encoding, column names, types, missing values and the target are found out and
told. Not for series in which the order of rows carries meaning.
"""

import difflib
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.data.part.base import RowsPart
from tutelage.data.part.table import TablePart, column_labels
from tutelage.data.source.arrow_types import TYPE_OF, Kind, kind_of
from tutelage.data.source.base import Collected, Source
from tutelage.data.source.class_names import match_labels
from tutelage.data.source.header import HeaderMode, Naming
from tutelage.data.source.headless_target import place_target
from tutelage.data.source.raw_table import RawTable
from tutelage.data.source.series_columns import SeriesLayout, as_series
from tutelage.data.source.table_files import (
    data_name,
    find_tables,
    holds_tables,
    is_table,
    read_table,
    say_no_table,
    table_to_read,
)
from tutelage.data.source.target import NO_TARGET, choose_target
from tutelage.data.source.text_column import find_text_column, say_texts, texts_of, with_texts
from tutelage.data.source.typed_table import Expected, TypedTable, type_table
from tutelage.data.target.bad_labels import bad_labels

__all__ = ["TableSource", "column_kinds", "type_like_train"]


class TableSource(Source):
    """Rows and columns from a file."""

    kind: Literal["table"] = "table"
    reads_together: ClassVar[bool] = False
    can_lack_target: ClassVar[bool] = True
    kinds: dict[str, Kind] = Field(
        default_factory=dict,
        description="What columns hold, by name (number, boolean, date, text), where it is not to be found out from the cells.",
    )
    dates: dict[str, str] = Field(
        default_factory=dict,
        description="How dates are written, by column, where it is not to be found out: iso, or a format such as %d/%m/%Y.",
    )

    header: HeaderMode = Field(
        "auto", description="Whether the first row holds the column names: first or none; auto finds out and says so."
    )
    names: tuple[str, ...] = Field((), description="Names of the columns in order, for a file without a header row.")
    sheet: str = Field("", description="Sheet of an Excel workbook; empty = the first one.")
    text: str = Field(
        "auto", description="Column of texts; auto = the only one beside the target, or the only one of long texts; none = no."
    )
    text_alone: bool = Field(False, description="Whether to learn from the column of texts alone, whatever else there is.")
    series_id: str = Field(
        "", description="Column that names the series a row belongs to, in a table of series measured over time."
    )
    time_column: str = Field("", description="Column by which the rows of a series are put in order; empty = they are in order.")
    wide: bool = Field(False, description="Whether each row is a series, its columns in order the values.")

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell from its name or first bytes whether a file is a table, or from its files whether a folder holds one."""
        place = Path(path)
        return is_table(place) or (place.is_dir() and holds_tables(place))

    @classmethod
    def near_miss(cls, path: str) -> str:
        """Say why a file is no table."""
        reason = say_no_table(Path(path)) if Path(path).is_file() else ""
        return f"No table: {reason}. To read it as one all the same: --set source.kind=table" if reason else ""

    def collect(self) -> Collected:
        """Read both tables; the test table follows the training table in its columns, types, dates and class names."""
        found = find_tables(Path(self.path))
        test_file = table_to_read(self.test) if self.test else found.test
        raw = self._read_train(found.train)
        problems: list[DataProblem] = []
        placed = None if raw.has_header or self.target != "auto" else place_target(raw)
        target = placed.name if placed else self.target
        naming = Naming(self.header, raw.names, "" if target == NO_TARGET else target)
        raw_test = _attempt(test_file, problems, naming, sheet=self.sheet) if test_file else None
        names = raw.names
        absent = [name for name in names if name not in raw_test.names] if raw_test else []
        choice = placed or choose_target(names, wanted=self.target, file=raw.file, only_in_train=absent)
        train = type_table(raw, target=choice.name, expected=self._expected(names))
        train_part = train.part("train")
        # A file by itself says what lies beside it; which test table is used, the user has said.
        notes = [
            *(() if self.test and Path(self.path).is_file() else found.notes),
            *([choice.note] if choice.note else []),
            *train.notes,
        ]
        warnings = [*([choice.warning] if choice.warning else []), *train.warnings]
        problems = [*train.problems, *_one_value(train_part), *problems]
        if not len(train_part):
            raise DataError(problems)
        test_part = None
        if raw_test and choice.name in absent and not self.test:
            warnings.append(f"{raw_test.file} has no column {choice.name}, so it cannot tell how good the model is: not used")
        elif raw_test:
            test = type_like_train(raw_test, train_part)
            test_part = test.part("test")
            problems += test.problems
            notes += test.notes
            warnings += test.warnings
        layout = SeriesLayout(self.series_id, self.time_column, self.wide)
        if layout:
            return self._as_series(train_part, test_part, layout, problems, notes, warnings)
        text = find_text_column(train_part, wanted=self.text)
        if text:
            notes.append(say_texts(train_part, text, is_found=self.text == "auto", is_alone=self.text_alone))
        return Collected(
            name=data_name(found.train),
            train=with_texts(train_part, text, is_alone=self.text_alone),
            test=None if not test_part else with_texts(test_part, text, is_alone=self.text_alone),
            problems=tuple(problems),
            notes=tuple(notes),
            warnings=tuple(warnings),
        )

    def read_input(self, paths: Sequence[str]) -> tuple[RowsPart, tuple[DataProblem, ...]]:
        """Read tables to predict on or to evaluate, one below the other; of a folder with parts the test table.

        The target column need not be there, and may have empty cells: their labels are None. Set `target`, `kinds` and
        `dates` as found in training (`column_kinds`, `TablePart.dates`), so that cells are read alike.
        """
        parts: list[TablePart] = []
        problems: list[DataProblem] = []
        notes: list[str] = []
        first = Expected()
        naming = Naming(self.header, self.names, self.target)
        for path in paths:
            raw = _attempt(table_to_read(path), problems, naming, sheet=self.sheet)
            if raw is None:
                continue
            given = self._expected(raw.names)
            expected = Expected({**first.types, **given.types}, {**first.dates, **given.dates})
            target = self.target if self.target in raw.names else ""
            made = type_table(raw, target=target, expected=expected, needs_target=False)
            parts.append(_without_empty_target(made.part("input")))
            problems += made.problems
            notes += [*made.notes, *made.warnings]
            if len(parts) == 1:
                first = Expected(parts[0].types, parts[0].dates)
        if not sum(len(part) for part in parts):
            raise DataError(problems)
        joined = _joined(parts)
        joined.notes = tuple(notes)
        layout = SeriesLayout(self.series_id, self.time_column, self.wide)
        if layout:
            series, more = as_series(joined, layout, needs_labels=False)
            return series, (*problems, *more)
        if self.text in ("auto", "none"):
            return joined, tuple(problems)
        return texts_of(joined, find_text_column(joined, wanted=self.text)), tuple(problems)

    def _read_train(self, path: Path) -> RawTable:
        """Read the train table.

        Raises:
            UsageError: It has not as many columns as `names`.
            DataError: It has one column only.
        """
        raw = read_table(path, Naming(self.header, self.names), sheet=self.sheet)
        if self.names and not raw.has_header and raw.names != self.names:
            raise UsageError(f"{raw.file}: {len(raw.names)} columns, but source.names has {len(self.names)} names.")
        if len(raw.names) < 2:
            named = "; ".join([f"one column only ({raw.names[0]!r})", *raw.notes])
            remedy = "Cells must be divided by comma, semicolon, tab or bar, and there must be a target and something else."
            raise DataError([DataProblem(raw.file, named, remedy)])
        return raw

    def _as_series(
        self,
        train: TablePart,
        test: TablePart | None,
        layout: SeriesLayout,
        problems: list[DataProblem],
        notes: list[str],
        warnings: list[str],
    ) -> Collected:
        """Return the tables as series."""
        train_series, found = as_series(train, layout)
        test_series, more = as_series(test, layout) if test is not None else (None, [])
        return Collected(
            name=data_name(find_tables(Path(self.path)).train),
            train=train_series,
            test=test_series,
            problems=(*problems, *found, *more),
            notes=tuple(notes),
            warnings=tuple(warnings),
        )

    def _expected(self, names: Iterable[str]) -> Expected:
        """Return the types of the columns whose kind is given, and how dates are written: such columns hold dates."""
        known = list(names)
        kinds: dict[str, Kind] = {**dict.fromkeys(self.dates, "date"), **self.kinds}
        types = {name: TYPE_OF[kinds[name]] for name in known if name in kinds}
        return Expected(types, {name: self.dates[name] for name in known if name in self.dates})


def column_kinds(table: pa.Table) -> dict[str, Kind]:
    """Return what the columns of a table that was read hold; given back to `TableSource.kinds`, other tables are read alike."""
    return {field.name: kind_of(field.type) for field in table.schema}


def _attempt(path: Path, problems: list[DataProblem], naming: Naming, *, sheet: str) -> RawTable | None:
    """Read a table, or gather what is wrong with it."""
    try:
        return read_table(path, naming, sheet=sheet)
    except DataError as error:
        problems += error.problems
        return None


def type_like_train(raw: RawTable, train: TablePart) -> TypedTable:
    """Read a test table as the training table was read."""
    names, found = train.columns, raw.names
    missing = [name for name in names if name not in found]
    extra = [name for name in found if name not in names]
    shared = [name for name in names if name in found]
    target = train.target if train.target in found else ""
    types = train.types
    raw.select(shared)
    made = type_table(raw, target=target, expected=Expected(types, train.dates))
    for name in missing:
        near = difflib.get_close_matches(name.casefold(), [other.casefold() for other in extra], n=1)
        hint = next((f" (there is {other!r})" for other in extra if near and other.casefold() == near[0]), "")
        made.problems.append(DataProblem(raw.file, f"column {name!r} is missing{hint}", "Add it; it is in the training table."))
    if extra:
        made.notes.append(f"{raw.file}: columns that the training table does not have are not used: {', '.join(extra)}")
    if target and kind_of(types[target]) == "text":
        _match_classes(made, train)
    return made


def _match_classes(made: TypedTable, train: TablePart) -> None:
    """Bring class names to the spelling of the training table, and refuse those that it does not have."""
    labels = column_labels(made.columns[made.target])
    matched = match_labels(labels, train.column(train.target).unique().to_pylist(), part=made.raw.file)
    made.columns[made.target] = pa.chunked_array([pa.array(matched.labels, type=pa.string())])
    made.warnings += matched.warnings
    unknown = np.flatnonzero(matched.unknown).tolist()
    remedy = "Use a class of the training table, or remove the row."
    found = bad_labels(
        matched.labels,
        unknown,
        locate=lambda row: f"{made.raw.file} row {made.raw.lines[row]}",
        found="{!r} is no class of the training data".format,
        remedy=remedy,
    )
    items = made.raw.items
    made.problems += [
        replace(problem, where=f"{problem.where}, column {made.target}", items=tuple(int(items[row]) for row in problem.items))
        for problem in found
    ]
    made.bad.update(unknown)


def _one_value(part: TablePart) -> list[DataProblem]:
    """Find a target from which nothing can be learned."""
    if not part.target:
        return []
    column = part.column(part.target)
    if not len(column) or 0 < column.null_count < len(column) or pc.all(pc.equal(column, column[0])).as_py() is False:
        return []
    found = f"every row has the same value {column[0].as_py()!r}"
    return [DataProblem(f"{part.file}, column {part.target}", found, "Choose another target, or add rows of another class.")]


def _without_empty_target(part: TablePart) -> TablePart:
    """Drop a target column in which nothing stands."""
    if not part.target or part.column(part.target).null_count < len(part):
        return part
    table = part.table.drop_columns(part.target)
    return TablePart(part.name, table, part.file, part.lines, "", part.fingerprint, part.dates)


def _joined(parts: Sequence[TablePart]) -> TablePart:
    """Put tables one below the other; columns that some do not have are missing there."""
    if len(parts) == 1:
        return parts[0]
    return TablePart(
        name=parts[0].name,
        table=pa.concat_tables([part.table for part in parts], promote_options="permissive"),
        file=" + ".join(part.file for part in parts),
        lines=np.concatenate([part.lines for part in parts]),
        target=parts[0].target if all(part.target for part in parts) else "",
        fingerprint=hashlib.sha256("".join(part.fingerprint for part in parts).encode()).hexdigest(),
        dates=parts[0].dates,
    )
