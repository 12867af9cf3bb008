"""Table rows as numbers that a generator can make, and back to a table of the same columns: the choice for making tables.

Numbers and dates become their rank on a normal distribution; words, truth values and whole numbers of few values a choice among
those that are known, and so does whether a cell is missing. Texts that all differ, and running numbers, cannot be made: their
cells stay empty, which is told.
For judging rows take `table`.

Source: L. Xu et al., "Modeling Tabular data using Conditional GAN", 2019, arXiv 1907.00503, section 4.2 (one number or choice a
column, and back). Differs from the paper: ranks in place of mixtures of Gaussians; choices are made whole, with the gradient of
their softmax (arXiv 1308.3432), so that a critic never sees half a word.

Shape letters: N rows, W numbers of a row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.shape.array import ArrayShape
from tutelage.core.typed import take
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.part.table import TablePart
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.data.prepare.cells import plain
from tutelage.data.prepare.change import Change, say_value
from tutelage.data.prepare.column import Column
from tutelage.data.prepare.columns import infer_columns, is_text
from tutelage.data.prepare.lost_values import lost_values, say_lost
from tutelage.data.prepare.made_cells import Blank, Choice, Made, fit_choice, fit_quantity, restore_made
from tutelage.data.prepare.table import as_table
from tutelage.data.rows.base import Rows
from tutelage.data.rows.dense import DenseRows
from tutelage.data.source.arrow_types import kind_of

__all__ = ["MadeTable", "FittedMadeTable"]

FEW_VALUES = 12
"""Whole numbers of so few different values are a choice among these: between them there is nothing."""
MOST_NUMBERS = 10_000
"""Numbers of a row beyond which a table is too wide to be made."""


class MadeTable(Prepare):
    """Settings of the preprocessing of tables that are to be made."""

    kind: Literal["made_table"] = "made_table"
    clip: float = Field(3.0, gt=0, le=1e6, description="Ranks are held within this many deviations. Typical: 2 to 4.")
    rare: int = Field(5, ge=1, le=10**9, description="Words in fewer train rows than this are never made. Typical: 1 to 20.")
    columns: dict[str, Literal["number", "category", "date", "boolean", "dropped"]] = Field(
        default_factory=dict, description="Role by column name, where you know better; dropped = left empty."
    )

    def fit(self, part: Part) -> "FittedMadeTable":
        """Learn how each column is made.

        Raises:
            DataError: No column can be made; or all of them together are too wide.
            RecipeError: `columns` names an unknown column.
        """
        table = as_table(part)
        columns = tuple(column for column in infer_columns(table, self.columns) if column.role != "target")
        made = tuple(self._made(table, column) for column in columns)
        width = sum(sum(one.groups) for one in made)
        if not width or width > MOST_NUMBERS:
            found = f"{width:,} numbers a row" if width else "no column that can be made: each is text, or a running number"
            remedy = (
                "Leave out columns of many words: --set columns.NAME=dropped." if width else "Say what one holds: columns.NAME."
            )
            raise DataError([DataProblem(table.file, found, remedy)])
        kinds = {name: kind_of(kind) for name, kind in table.types.items() if name != table.target}
        return FittedMadeTable(columns, made, kinds, dict(table.dates), table.target)

    def restore(self, state: Mapping[str, Any]) -> "FittedMadeTable":
        """Rebuild what `FittedMadeTable.state` returned."""
        said = take(state, "columns", list[dict[str, Any]])
        columns = tuple(Column(*(take(column, key, str) for key in ("name", "role", "reason"))) for column in said)
        made = tuple(restore_made(one) for one in take(state, "made", list[dict[str, Any]]))
        kinds, dates = (take(state, key, dict[str, str]) for key in ("kinds", "dates"))
        return FittedMadeTable(columns, made, kinds, dates, take(state, "target", str))

    def _made(self, table: TablePart, column: Column) -> Made:
        """Learn how one column is made."""
        cells = table.column(column.name)
        is_named = column.name in self.columns
        if column.role == "number" and pa.types.is_integer(cells.type) and len(cells.unique()) <= FEW_VALUES:
            return fit_choice(column.name, cells, rare=1)
        if column.role in ("number", "date"):
            return fit_quantity(column.name, cells, clip=self.clip)
        # What is the same in all rows, or empty, is dropped where rows are judged; it can be made all the same.
        is_one = column.role == "dropped" and not is_named and len(cells.unique()) == 1
        if is_one or (column.role != "dropped" and (is_named or not is_text(cells))):
            return fit_choice(column.name, cells, rare=self.rare)
        return Blank(column.name, "string" if pa.types.is_string(cells.type) else str(cells.type))


@dataclass(frozen=True)
class FittedMadeTable(Fitted):
    """Fitted preprocessing of a table that is to be made.

    Attributes:
        columns: Each column with its role and reason.
        made: How each is made, in the same order.
        kinds: What they hold.
        dates: How dates are written: `iso`, or a format of `strptime`.
        target: The column of labels, which is not among them; "" where there is none.
    """

    columns: tuple[Column, ...]
    made: tuple[Made, ...]
    kinds: Mapping[str, str] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    target: str = ""

    @property
    def shape(self) -> ArrayShape:
        """All numbers of a row."""
        return ArrayShape(sizes=(sum(sum(one.groups) for one in self.made),))

    def apply(self, part: Part) -> Rows:
        """Return `x` float32 [N, W].

        Raises:
            DataError: Every missing column.
        """
        table = as_table(part)
        missing = [one.name for one in self.made if one.name not in table.columns]
        if missing:
            remedy = f"The model was trained with it. Columns of {table.file}: {', '.join(table.columns)}."
            raise DataError([DataProblem(f"{table.file}, column {name}", "missing", remedy) for name in missing])
        return DenseRows({"x": self._numbers(table)})

    def outlet(self) -> nn.Module:
        """Return the module that makes choices whole."""
        return WholeChoices(tuple(size for one in self.made for size in one.groups))

    def seen(self) -> nn.Module:
        """Return the module that makes choices whole and rounds quantities: else a judge would know samples by their decimals."""
        return nn.Sequential(self.outlet(), Settled(self.settle))

    def settle(self, samples: Tensor) -> Tensor:
        """Return the numbers of the rows that samples become, so that these are measured as they are written."""
        return self._numbers(self.undo(samples)).view(samples.shape)

    def undo(self, samples: Tensor) -> TablePart:
        """Return the rows as a table of the train table's columns and types."""
        numbers, columns, start = samples.flatten(1).numpy(), {}, 0
        for one in self.made:
            columns[one.name] = one.decode(numbers[:, start : start + sum(one.groups)])
            start += sum(one.groups)
        lines = np.arange(1, len(numbers) + 1)
        return TablePart("generated", pa.table(columns), "generated rows", lines, self.target, "", self.dates)

    def changes(self, part: Any, row: int) -> list[Change]:
        """Return what becomes of each cell of one row."""
        table, told = as_table(part), []
        for one, column in zip(self.made, self.columns, strict=True):
            cell = table.column(one.name).slice(row, 1)
            numbers = one.encode(cell)[0].tolist()
            before = cell[0].as_py()
            after = ", ".join(say_value(number) for number in numbers) or "-"
            told.append(Change(one.name, "(missing)" if before is None else str(before), after, _how(one, column)))
        return told

    def say(self) -> str:
        """Write how much is made."""
        count = sum(not isinstance(one, Blank) for one in self.made)
        return f"{count} of {len(self.made)} columns, {self.shape.say()} numbers a row"

    def decisions(self) -> list[tuple[str, str, str]]:
        """Return what each column is made as."""
        return [
            (f"columns.{column.name}", "left empty" if isinstance(one, Blank) else column.role, column.reason)
            for column, one in zip(self.columns, self.made, strict=True)
        ]

    def warnings(self, part: RowsPart) -> list[str]:
        """Name the columns that are left empty."""
        empty = [one.name for one in self.made if isinstance(one, Blank)]
        told = f"no cells can be made for {', '.join(empty)}: texts that nearly all differ, or running numbers. They stay empty"
        return [told] if empty else []

    def lost(self, made: RowsPart, *, real: RowsPart) -> str:
        """Name the values of choices that made rows never take."""
        names = [one.name for one in self.made if isinstance(one, Choice)]
        cells = {name: [plain(as_table(part).column(name)).to_pylist() for part in (real, made)] for name in names}
        found = [(name, value, share) for name, both in cells.items() for value, share in lost_values(*both)]
        return say_lost(found, made=len(made))

    def reading(self) -> dict[str, Any]:
        """Return what the columns hold, how their dates are written and their order."""
        return {"kinds": dict(self.kinds), "dates": dict(self.dates), "names": [column.name for column in self.columns]}

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        return {
            "columns": [{"name": column.name, "role": column.role, "reason": column.reason} for column in self.columns],
            "made": [one.state() for one in self.made],
            "kinds": dict(self.kinds),
            "dates": dict(self.dates),
            "target": self.target,
        }

    def _numbers(self, table: TablePart) -> Tensor:
        """Return all numbers of a table's rows, float32 [N, W]."""
        pieces = [one.encode(table.column(one.name)) for one in self.made]
        return torch.from_numpy(np.concatenate(pieces, axis=1))


class Settled(nn.Module):
    """Brings samples to the numbers that their rows have, without a gradient."""

    def __init__(self, settle: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.settle = settle

    def forward(self, x: Tensor) -> Tensor:
        """Return float32 [B, W]."""
        return self.settle(x.detach().float().cpu()).to(x.device)


class WholeChoices(nn.Module):
    """Of each group of numbers the largest becomes 1 and the others 0, with the gradient of their softmax; single ones stay."""

    def __init__(self, groups: tuple[int, ...]) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """Return float32 [B, W]."""
        pieces = torch.split(x, list(self.groups), dim=1)
        return torch.cat([piece if piece.shape[1] == 1 else _whole(piece) for piece in pieces], dim=1)


def _whole(score_BK: Tensor) -> Tensor:
    """Return the choice with the largest score as a 1."""
    soft_BK = score_BK.softmax(dim=1)
    hard_BK = F.one_hot(score_BK.argmax(dim=1), score_BK.shape[1]).to(soft_BK.dtype)
    return hard_BK + soft_BK - soft_BK.detach()


def _how(one: Made, column: Column) -> str:
    """Write how a column is made."""
    if isinstance(one, Blank):
        return f"left empty: {column.reason}"
    if isinstance(one, Choice):
        return f"a 1 for one of {len(one.values):,} values"
    return "its rank on the normal distribution" + (", and whether it is there" if len(one.groups) > 1 else "")
