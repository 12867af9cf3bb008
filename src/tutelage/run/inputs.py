"""What a trained model is asked about: paths, arrays or texts, read as the rows of its training were."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tutelage.core import catalog
from tutelage.core.errors import DataProblem, UsageError
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.base import Fitted
from tutelage.data.source.arrays import collect_arrays
from tutelage.data.source.base import Source
from tutelage.data.source.recognize import recognize_input

__all__ = ["Inputs"]

Reply = TypeVar("Reply")

STANDARD_INPUT = "tutelage predict RUN -"
MOST_NAMED = 12
"""Columns that are named in a message."""


@dataclass(frozen=True)
class Inputs:
    """Reads rows to answer for.

    Attributes:
        fitted: The model's preprocessing; None where it has none.
        target_column: Returns the name of the column that the run learned, or "".
        learned_from: Returns the path of what the run was trained on, or "" where that was given from Python.
    """

    fitted: Fitted | None
    target_column: Callable[[], str]
    learned_from: Callable[[], str]

    def texts_or(self, inputs: Any) -> Any:
        """Return the texts that a list of str holds, as rows; anything else as it is."""
        takes_texts = self.fitted is not None and self.fitted.takes_texts
        is_list = isinstance(inputs, Sequence) and not isinstance(inputs, str) and bool(inputs)
        if not takes_texts or not is_list or not all(isinstance(item, str) for item in inputs):
            return inputs
        return inputs if any(_is_there(item) for item in inputs) else np.array(inputs, dtype=object)

    def one_by_one(self, inputs: Any) -> list[Any]:
        """Return what is read at a time: what its source reads together, such as images, or one by one, such as tables."""
        if isinstance(inputs, str | Path):
            return [[inputs]]
        if not _are_paths(inputs):
            return [inputs]
        return [inputs] if self._source_of(str(inputs[0])).reads_together else [[item] for item in inputs]

    def read(self, source: Any, *, target: str) -> tuple[RowsPart, tuple[DataProblem, ...]]:
        """Read paths or arrays as rows to answer for.

        Raises:
            UsageError: There is no such path, or no such target.
            DataError: Nothing can be read.
        """
        reading = self._reading
        known = self.target_column() if target == "auto" else target
        if _are_paths(source):
            paths = [str(item) for item in source]
            kind = self._source_of(paths[0])
            settings = {key: value for key, value in reading.items() if key in kind.model_fields}
            try:
                part, problems = kind(path=paths[0], target=known or "auto", **settings).read_input(paths)
            except UsageError as error:
                raise self._told(error) from None
            _require_target(part, target, where=paths[0])
            return part, problems
        if self.fitted is not None and self.fitted.array_source:
            maker: Source = catalog.load("source", self.fitted.array_source)()
            made, bad = maker.of_arrays(source, name="input")
            return made, tuple(bad)
        collected = collect_arrays(source, target=known or "auto", is_input=True, reading=reading)
        assert isinstance(collected.train, RowsPart)
        return collected.train, collected.problems

    def odd(self, part: RowsPart) -> list[str]:
        """Return which rows hardly say anything, such as empty texts."""
        return [] if self.fitted is None else self.fitted.odd_rows(part)

    def no_labels(self, part: RowsPart, *, where: str) -> DataProblem:
        """Say that rows have no labels, and which column these would stand in."""
        target, columns = self.target_column(), part.columns
        found, remedy = "there are no labels to compare with", "To predict without labels: tutelage predict."
        if not target or target in columns or not (columns or self._reading):
            return DataProblem(where, found, remedy)
        found = f"{found}: it has no column {target!r}"
        if columns:
            named = f"{', '.join(columns[:MOST_NAMED])}{', ...' * (len(columns) > MOST_NAMED)}"
            found += f", but {len(columns):,} other{'s' * (len(columns) != 1)} ({named})"
        return DataProblem(where, found, f"If they stand in another column: --target COLUMN. {remedy}")

    @property
    def _reading(self) -> dict[str, Any]:
        """How the train rows were read, and so new ones are."""
        return self.fitted.reading() if self.fitted is not None else {}

    def _source_of(self, path: str) -> type[Source]:
        """Return the kind of source that reads rows to answer for."""
        first = self.fitted.input_source if self.fitted is not None else ""
        try:
            return recognize_input(path, first=first, reading=self._reading)
        except UsageError as error:
            raise self._told(error) from None

    def _told(self, error: UsageError) -> UsageError:
        """Return an error about a path with what this run's inputs look like."""
        if self.fitted is None:
            return error
        looks = f"This run answers for data like {self.learned_from() or 'the arrays'} that it was trained on"
        texts = (
            f" A text itself: run.predict([text]), or a line of standard input for {STANDARD_INPUT}." * self.fitted.takes_texts
        )
        return UsageError(f"{error}\n{looks}: {self.fitted.shape.say()}.{texts}")


def _require_target(part: RowsPart, target: str, *, where: str) -> None:
    """Refuse a target column that was asked for and is not there."""
    columns = part.columns
    if target != "auto" and columns and target not in columns:
        near = catalog.suggest(target, list(columns))
        raise UsageError(f"{where} has no column {target!r}{near} Columns: {', '.join(columns)}.")


def _is_there(path: str) -> bool:
    """Tell whether there is a file or folder of this name."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # too long for a name, or with signs that none has
        return False


def _are_paths(source: Any) -> bool:
    """Tell whether something is a sequence of paths."""
    return isinstance(source, Sequence) and bool(source) and all(isinstance(item, str | Path) for item in source)
