"""One row of a training, as it goes through a step alone: how it was read, what became of it, and how its outputs are read.

`tutelage explain` follows such a row. A task gives it by `Problem.example`; a task without one cannot be followed so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.change import Change
from tutelage.task.base import Batch

__all__ = ["Example", "Told"]


@dataclass(frozen=True)
class Told:
    """What the outputs for one row say, for people.

    Attributes:
        title: Of the table.
        headers: Its columns.
        rows: Its cells; numbers are written with the digits that people need.
        answer: The answer in a sentence.
        sums: The loss, written as its formula with the numbers put in.
        numbers: The same as JSON values.
    """

    title: str
    headers: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    answer: str
    sums: tuple[str, ...]
    numbers: Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """One row, alone.

    Attributes:
        where: Where it was read, such as `train.csv row 17`.
        unit: What it is: `row`, `window` of series, or `place` of a long text.
        shown: How it looks: `png` (base64), `row` (cells by name) or `text`.
        target: What is to be answered, as it was read.
        wanted: The same as the loss compares with it.
        changes: What preprocessing did to each piece.
        inputs: Names of the tensors that the network takes.
        batch: The finished batch of this one row.
        tell: Reads the network's outputs for it: raw, float32.
        notes: What else is worth telling, such as a weight.
        row: The row as a part of its own, for a model to answer; None where models answer no rows.
        say: Writes answers for it in words, where there is no target that does; None where there is one.
    """

    where: str
    unit: str
    shown: Mapping[str, Any]
    target: str
    wanted: str
    changes: Sequence[Change]
    inputs: tuple[str, ...]
    batch: Batch
    tell: Callable[[Tensor], Told]
    notes: tuple[str, ...] = ()
    row: RowsPart | None = None
    say: Callable[[Any], str] | None = None
