"""What every source gives: parts of a data set, and everything wrong with them at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.core.errors import DataProblem, UsageError
from tutelage.core.names import readable, short_name
from tutelage.core.spec import Component, Location
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.quality.finding import Finding
from tutelage.data.split_keys import SplitKeys

__all__ = ["Collected", "Source"]


@dataclass(frozen=True)
class Collected:
    """A data set as found: its parts, and all that is wrong with it.

    Attributes:
        name: Short name for people and for the run folder, such as `cats-dogs`.
        train: Rows to learn from; where the source has no validation part, it is cut from them later.
        test: Rows opened once, at the end; None where the source has none.
        validation: Rows that early stopping watches; None where the source has none.
        problems: Every bad item found; where `item >= 0` the item is also absent from `train` and `test`.
        notes: Things to tell that need no action, such as the target that was picked and why.
        warnings: Things the user should look at.
        findings: What the quality checks found.
        marks: The time or the group of each train row, where these were given beside the data from Python, [N].
        split: What decides which rows are kept apart.
        weights: How much each train row counts in the loss, float64 [N], where that was given beside the data from Python.
    """

    name: str
    train: Part
    test: Part | None = None
    validation: Part | None = None
    problems: tuple[DataProblem, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    findings: tuple[Finding, ...] = ()
    marks: np.ndarray | None = None
    split: SplitKeys = field(default_factory=SplitKeys)
    weights: np.ndarray | None = None

    @property
    def has_related_rows(self) -> bool:
        """Whether a check has found that rows hang together, so that a random split flatters."""
        return any(finding.relates_rows for finding in self.findings)

    def __post_init__(self) -> None:
        """Make names of files, which may be in an old encoding, readable: what is told goes to logs and pages."""
        object.__setattr__(self, "name", short_name(self.name))
        for kind in ("notes", "warnings"):
            object.__setattr__(self, kind, tuple(map(readable, getattr(self, kind))))


class Source(Component):
    """A kind of data set on disk or in memory.

    Subclasses also implement `recognizes`, which tells from a look at the path whether they can read it.
    """

    family: ClassVar[str] = "source"
    is_last_resort: ClassVar[bool] = False
    """Whether it is so little choosy about paths that all other kinds are asked first."""
    has_targets: ClassVar[bool] = True
    """Whether it has columns of which one may be named as the target."""
    can_lack_target: ClassVar[bool] = False
    """Whether `target = none` reads all columns alike."""
    reads_together: ClassVar[bool] = True
    """Whether several paths to predict on are read as one part; else each is read by itself."""

    path: Location = Field("", description="Folder or file to read, or the name of a bundled set.")
    target: str = Field("auto", description="Column to predict, in a table; auto picks it and says why.")
    test: Location = Field("", description="Another path that holds the test part; empty where the source has its own, or none.")
    on_bad_data: Literal["fail", "skip"] = Field("fail", description="Refuse bad items, or leave them out and list them.")

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether this source reads `path`, from names alone or the first bytes."""
        raise NotImplementedError

    @classmethod
    def recognizes_input(cls, path: str, reading: Mapping[str, Any]) -> bool:
        """Tell whether this source reads `path` for a model that asks it first; `reading` says how its train rows were read."""
        return cls.recognizes(path)

    @classmethod
    def count_files(cls, path: str) -> int:
        """Return how many files of a folder this source is about, of the first that are looked at; 0 where it does not matter."""
        return 0

    @classmethod
    def near_miss(cls, path: str) -> str:
        """Say why this source does not read a file that is there, and what to do, in a line; "" where that helps nobody."""
        return ""

    @classmethod
    def anywhere(cls, path: str) -> str:
        """Return the path written in full, so that a run can be resumed from another working folder."""
        return str(Path(path).resolve()) if Path(path).exists() else path

    def collect(self) -> Collected:
        """Read everything needed for training; problems are gathered, not raised.

        Raises:
            UsageError: The path does not exist or is not of this kind at all.
            DataError: Nothing can be read at all (an empty folder, a table without rows).
        """
        raise NotImplementedError

    @classmethod
    def takes(cls, value: object) -> bool:
        """Tell whether a value given from Python, that is no table and no array, is this source's to read."""
        return False

    def of_value(self, value: object) -> Collected:
        """Return what this source makes of a value from Python that it takes.

        Raises:
            UsageError: Nothing can be made of it.
            DataError: What is wrong with it.
        """
        raise NotImplementedError

    def of_tables(self, collected: Collected) -> Collected:
        """Return what this source makes of tables that were given from Python.

        Raises:
            DataError: Nothing can be made of them.
        """
        return collected

    def of_arrays(self, data: Any, *, name: str) -> tuple[RowsPart, Sequence[DataProblem]]:
        """Return what this source makes of arrays or lists from Python, `(inputs, labels)` or inputs alone.

        Args:
            data: As it was given.
            name: Of the part.

        Raises:
            DataError: Nothing can be made of them.
        """
        raise NotImplementedError

    def read_input(self, paths: Sequence[str]) -> tuple[RowsPart, tuple[DataProblem, ...]]:
        """Read rows to predict on or to evaluate; labels are there where the files have them.

        Raises:
            UsageError: This kind of data has no rows that a model could answer for.
        """
        found = f"{', '.join(map(str, paths))}: a source of kind {getattr(self, 'kind', '')!r} has no rows to answer for"
        raise UsageError(f"{found}. Give data like those of the training.")
