"""A table whose rows are times: series to be continued, for `--task forecast`.

```
tutelage train ETTh1.csv --task forecast --horizon 96   # a column of dates, every other column of numbers a series
tutelage train timeline:ETTh1.csv                        # the same, by name
tutelage train sales.csv --task forecast --series-id shop --time-column day --target sold
```
Any table is read: CSV, TSV, JSON Lines, Excel, Parquet, Arrow. Not for tables of series that have labels: these are classified.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.data.part.base import Part
from tutelage.data.part.interval import Interval
from tutelage.data.part.table import TablePart
from tutelage.data.part.timeline import TimelinePart
from tutelage.data.source.arrow_types import Kind
from tutelage.data.source.base import Collected, Source
from tutelage.data.source.dates import GUESSED
from tutelage.data.source.header import HeaderMode
from tutelage.data.source.missing import say_missing
from tutelage.data.source.table import TableSource
from tutelage.data.source.table_files import data_name, find_tables, table_to_read
from tutelage.data.source.time_columns import TimeLayout
from tutelage.data.source.time_grid import Gridded, as_timeline

__all__ = ["Timeline"]

PREFIX = "timeline:"
MONTH_FIRST, DAY_FIRST = "%m/%d", "%d/%m"
SWAPPED = "read with the day first, since the times are at equal steps then"


class Timeline(Source):
    """Series from a table with a column of dates."""

    kind: Literal["timeline"] = "timeline"
    reads_together: ClassVar[bool] = False
    time_column: str = Field("", description="Column that tells the time of a row; empty = the only one with dates.")
    series_id: str = Field("", description="Column that names the series a row belongs to, where series are below each other.")
    known: str | tuple[str, ...] = Field(
        (), description="Columns that are known of coming times too, such as holidays: names, or one text with commas."
    )
    by_series: tuple[str, ...] = Field(
        (), description="Columns of `known` whose values are those of one series each; where rows of a time differ, found out."
    )
    rows: int = Field(0, ge=0, le=2**53, description="How many times are used, from the first one on; 0 = all.")
    header: HeaderMode = Field("auto", description="Whether the first row holds the column names: first or none.")
    names: tuple[str, ...] = Field((), description="Names of the columns in order, for a file without a header row.")
    sheet: str = Field("", description="Sheet of an Excel workbook; empty = the first one.")
    kinds: dict[str, Kind] = Field(
        default_factory=dict, description="What columns hold, by name, where it is not to be found out from the cells."
    )
    dates: dict[str, str] = Field(default_factory=dict, description="How dates are written, by column: iso, or such as %d/%m/%Y.")

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether a table is named with `timeline:` before it."""
        return path.startswith(PREFIX) and TableSource.recognizes(path.removeprefix(PREFIX))

    @classmethod
    def recognizes_input(cls, path: str, reading: Mapping[str, Any]) -> bool:
        """Tell whether it is a table, however it is named."""
        return TableSource.recognizes(path.removeprefix(PREFIX))

    @classmethod
    def anywhere(cls, path: str) -> str:
        """Write the path in full."""
        place = path.removeprefix(PREFIX)
        prefix = PREFIX if path.startswith(PREFIX) else ""
        return prefix + (str(Path(place).resolve()) if Path(place).exists() else place)

    def collect(self) -> Collected:
        """Read the table, and the test table where there is one."""
        found = find_tables(self._place(self.path))
        read = self._read(found.train, name="train")
        test_file = table_to_read(self.test.removeprefix(PREFIX)) if self.test else found.test
        test = None if test_file is None else self._read(test_file, name="test", like=read.part)
        # A file by itself says what lies beside it; which test table is used, the user has said.
        notes = () if self.test and self._place(self.path).is_file() else found.notes
        return _joined(Collected(name=data_name(found.train), train=read.part, notes=notes), read, test)

    def read_timeline(self, path: str, *, interval: Interval | None = None) -> Gridded:
        """Read another table of the same series, to continue or to measure; their step, where it is known.

        Raises:
            UsageError: It is no table.
            DataError: No series can be made of it.
        """
        return self._read(table_to_read(path.removeprefix(PREFIX)), name="input", interval=interval)

    def of_tables(self, collected: Collected, *, interval: Interval | None = None) -> Collected:
        """Return the series of tables that are in memory; their step, where it is known."""
        read = self._gridded(collected.train, name="train", interval=interval)
        test = None if collected.test is None else self._gridded(collected.test, name="test", like=read.part)
        return _joined(collected, read, test)

    def _read(self, file: Path, *, name: str, like: TimelinePart | None = None, interval: Interval | None = None) -> Gridded:
        """Read a table; of a test table the step is that of the training table."""
        reader = TableSource(
            path=str(file), target="", header=self.header, names=self.names, sheet=self.sheet, kinds=self.kinds, dates=self.dates
        )
        table, problems = reader.read_input([str(file)])
        made = self._gridded(table, name=name, like=like, interval=interval)
        return replace(made, problems=(*problems, *made.problems), notes=(*_still_true(table.notes, made), *made.notes))

    def _day_first(self, table: TablePart) -> tuple[TablePart, str] | None:
        """Read dates with the day before the month, where this gives series and nothing says what stands first; None if not."""
        for name, form in table.dates.items():
            if not form.startswith(MONTH_FIRST) or name in self.dates:
                continue
            again = table.with_dates(name, DAY_FIRST + form.removeprefix(MONTH_FIRST))
            try:
                if again is None or as_timeline(again.renamed("input"), self._layout).problems:
                    continue
            except DataError:
                continue
            told = f"{table.file}, column {name}: {SWAPPED}"
            return again, f"{told}; source.dates says how dates are written"
        return None

    def _gridded(self, table: Part, *, name: str, like: TimelinePart | None = None, interval: Interval | None = None) -> Gridded:
        """Return the series of a table."""
        if not isinstance(table, TablePart):
            found = f"{table.kind} data, which are no table with a column of dates"
            raise DataError([DataProblem(table.name, found, "Give a table, such as a data frame, or a dict of columns.")])
        layout = self._layout
        if like is not None and set(like.reading["columns"]) <= set(table.columns):
            layout = replace(layout, targets=tuple(like.reading["columns"]), by_series=tuple(like.reading["by_series"]))
        most_rows, step = self.rows if name == "train" else 0, interval if like is None else like.interval
        try:
            made = as_timeline(table.renamed(name), layout, most_rows=most_rows, interval=step)
        except DataError:
            swapped = self._day_first(table)
            if swapped is None:
                raise
            again, note = swapped
            made = as_timeline(again.renamed(name), layout, most_rows=most_rows, interval=step)
            made = replace(made, notes=(note, *made.notes))
        if like is not None and made.part.series != like.series:
            found = f"series {', '.join(made.part.series[:6])}, where the training table has {', '.join(like.series[:6])}"
            raise DataError([DataProblem(made.part.file, found, "Give a table with the same columns.")])
        if like is not None and made.part.known_names != like.known_names:
            found = f"known beforehand: {', '.join(made.part.known_names)}; in the training table: {', '.join(like.known_names)}"
            raise DataError([DataProblem(made.part.file, found, "What is the same for all series there has to be so here.")])
        return made

    @property
    def _layout(self) -> TimeLayout:
        said = TimeLayout.of(time_column=self.time_column, series_id=self.series_id, target=self.target, known=self.known)
        return replace(said, by_series=self.by_series)

    def _place(self, path: str) -> Path:
        place = Path(path.removeprefix(PREFIX))
        if not place.exists():
            raise UsageError(f"{say_missing(place)} Expected a table with a column of dates.")
        return place


def _still_true(notes: Sequence[str], made: Gridded) -> list[str]:
    """Return notes on how cells were read but those on dates that were read in another way since."""
    return [note for note in notes if not (note.endswith(GUESSED) and any(SWAPPED in told for told in made.notes))]


def _joined(collected: Collected, read: Gridded, test: Gridded | None) -> Collected:
    """Return the series that were read, with all that is to be told of them."""
    each = [read, *([test] if test else [])]
    return replace(
        collected,
        train=read.part,
        test=test.part if test else None,
        problems=(*collected.problems, *(problem for one in each for problem in one.problems)),
        notes=(*_still_true(collected.notes, read), *(note for one in each for note in one.notes)),
        warnings=(*collected.warnings, *(warning for one in each for warning in one.warnings)),
    )
