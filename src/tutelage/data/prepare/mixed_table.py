"""Table rows with a text each: the columns as in any table, the text as its words, all learned from the train rows alone.

When to use it: reviews with ratings, products with a description and a price. A table without usable columns beside its texts
is learned from by the texts alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from pydantic import Field
from torch import nn

from tutelage.core.errors import DataError, DataProblem, RecipeError
from tutelage.core.shape.mixed_table import MixedTableShape
from tutelage.core.typed import take
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.part.table import MixedPart, TablePart
from tutelage.data.part.texts import TextPart
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.data.prepare.change import Change
from tutelage.data.prepare.intake import JoinedIntake
from tutelage.data.prepare.table import USABLE_ROLES, FittedTable, Table, as_table
from tutelage.data.prepare.texts import Texts, TextsFitted
from tutelage.data.rows.base import Rows
from tutelage.data.rows.merged import MergedRows
from tutelage.data.source.text_column import texts_of

__all__ = ["MixedTable", "FittedMixedTable"]


class MixedTable(Prepare):
    """Settings of the preprocessing of tables with texts."""

    kind: Literal["mixed_table"] = "mixed_table"
    vocabulary_size: int = Field(20_000, ge=2, le=2**24, description="Most different words. Typical: 5,000 to 50,000.")
    length: int = Field(400, ge=1, le=2**20, description="Most words of a text; of a longer one the beginning and the end count.")
    lowercase: bool = Field(True, description="Whether capital and small letters are the same.")
    columns: dict[str, USABLE_ROLES] = Field(default_factory=dict, description="Role by column name, where you know better.")
    group: str = Field("", description="Column that names groups of rows (split.column): used only with a role in `columns`.")

    def fit(self, part: Part) -> "FittedMixedTable":
        """Learn the encoding of the columns, and the vocabulary.

        Raises:
            DataError: No text has a word; or a column does not hold what `columns` says.
            RecipeError: `columns` names an unknown column, or that of the texts.
        """
        if not isinstance(part, MixedPart):
            raise DataError([DataProblem(part.name, "no column of texts is named", "Name it: --text COLUMN.")])
        column = part.text_column
        if column in self.columns:
            said = f"columns.{column} = {self.columns[column]!r}: it is the column of texts"
            raise RecipeError(f"recipe: {said}. To learn from the other columns alone, and this one in that role: --text none.")
        texts = Texts(vocabulary_size=self.vocabulary_size, length=self.length, lowercase=self.lowercase)
        table = Table(columns={**self.columns, column: "dropped"}, group=self.group)
        return FittedMixedTable(table.fit_any(part), texts.fit(texts_of(part, column)))

    def restore(self, state: Mapping[str, Any]) -> "FittedMixedTable":
        """Rebuild what `FittedMixedTable.state` returned."""
        table, words = take(state, "table", dict[str, Any]), take(state, "words", dict[str, Any])
        return FittedMixedTable(Table().restore(table), Texts().restore(words))


@dataclass(frozen=True)
class FittedMixedTable(Fitted):
    """Fitted preprocessing of a table with texts.

    Attributes:
        table: That of the columns.
        words: That of the texts.
    """

    row_form: ClassVar[str] = "row"
    table: FittedTable
    words: TextsFitted

    @property
    def shape(self) -> MixedTableShape:
        """What a model receives."""
        columns, text = self.table.shape, self.words.shape
        return MixedTableShape(
            numbers=columns.numbers,
            cardinalities=columns.cardinalities,
            vocabulary_size=text.vocabulary_size,
            length=text.length,
        )

    def apply(self, part: Part) -> Rows:
        """Return numbers, codes and tokens of each row.

        Raises:
            DataError: Every missing column, and every cell that does not fit its column.
        """
        return MergedRows([self.table.apply(part), self.words.apply(self._texts(part))])

    def changes(self, part: Any, row: int) -> list[Change]:
        """Return what becomes of each column, then of each of the first words."""
        return [*self.table.changes(part, row), *self.words.changes(self._texts(part), row)]

    def entries(self) -> dict[str, tuple[str, ...]]:
        """Return columns, then words."""
        return {**self.table.entries(), **self.words.entries()}

    def intake(self) -> JoinedIntake:
        """Return the way from cells and texts."""
        words = self.words.intake()
        return JoinedIntake((self.table.intake(), replace(words, texts_of=lambda part: list(self._texts(part).texts))))

    def finisher(self) -> nn.Module:
        """Return the module that widens the codes and pads the texts."""
        return nn.Sequential(self.table.finisher(), self.words.finisher())

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        return {"table": self.table.state(), "words": self.words.state()}

    def say(self) -> str:
        """Write what the columns and the texts become."""
        return f"{self.table.say()}; column {self.words.column}: {self.words.say()}"

    def decisions(self) -> list[tuple[str, str, str]]:
        """Return the role of each column."""
        own = f"columns.{self.words.column}"
        return [
            (key, "texts", "its words count") if key == own else (key, role, why) for key, role, why in self.table.decisions()
        ]

    def warnings(self, part: RowsPart) -> list[str]:
        """Name the columns in which one number is so large that it makes all others equal."""
        return self.table.warnings(part)

    def odd_rows(self, part: RowsPart) -> list[str]:
        """Return which texts are empty or huge."""
        return self.words.odd_rows(self._texts(part))

    def summary(self, part: RowsPart) -> dict[str, Any]:
        """Return each column with its role and statistics on train rows."""
        records = self.table.summary(part)["columns"]
        own = {"role": "texts", "reason": "its words count"}
        return {"columns": [record | (own if record["name"] == self.words.column else {}) for record in records]}

    def reading(self) -> dict[str, Any]:
        """Return what the columns hold, how their dates are written and their order."""
        told = self.table.reading()
        return {**told, "kinds": {**told["kinds"], self.words.column: "text"}}

    def _texts(self, part: Part) -> TextPart:
        """Return the texts of a table's rows.

        Raises:
            DataError: It has no such column.
        """
        table: TablePart = as_table(part)
        if self.words.column not in table.columns:
            remedy = f"The model was trained with it. Columns of {table.file}: {', '.join(table.columns)}."
            raise DataError([DataProblem(f"{table.file}, column {self.words.column}", "missing", remedy)])
        return texts_of(table, self.words.column)
