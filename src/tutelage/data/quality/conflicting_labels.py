"""Equal rows of the train part that have different class labels.

At least one of the labels is wrong, or the rows do not say enough. Costs a sort of hashes and a pass over the labels: about a
second for a million rows.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.data.part.base import RowsPart
from tutelage.data.quality.base import Check
from tutelage.data.quality.equal_rows import are_equal_by_chance, group_rows, number_labels, row_keys, say_rows
from tutelage.data.quality.finding import MAX_EXAMPLES, Finding
from tutelage.data.quality.labels import class_labels
from tutelage.data.quality.row_numbers import number_columns
from tutelage.data.source.base import Collected

__all__ = ["ConflictingLabels"]

SMALL_FRACTION = 0.001
"""Share of the rows of a table below which nobody can tell a wrong label from a rare case."""


class ConflictingLabels(Check):
    """The same content under two labels.

    Rows of a few columns can be equal by chance, so there it is a note only, as it is where very few rows of a table are
    concerned; with files and pictures it is always a mistake.
    """

    kind: Literal["conflicting_labels"] = "conflicting_labels"
    for_files: ClassVar[str] = "Keep the right one of each."
    for_columns: ClassVar[str] = (
        "Mend the labels, or add a column that tells such rows apart: no model can get all of them right."
    )

    def look(self, collected: Collected) -> list[Finding]:
        """Compare labels of equal rows."""
        part, numbers = collected.train, number_columns(collected.train)
        keys = row_keys(part, without=numbers)
        labels = class_labels(part) if keys is not None else None
        if keys is None or labels is None or not isinstance(part, RowsPart):
            return []
        groups, codes = group_rows(keys), number_labels(labels)
        differs = np.flatnonzero(codes != codes[groups.first[groups.group]])
        if not len(differs):
            return []
        clashing, others = np.unique(groups.group[differs], return_index=True)
        count = int(groups.sizes[clashing].sum())
        shown = np.sort(differs[others])[:MAX_EXAMPLES]
        pairs = zip(groups.first_like(shown).tolist(), shown.tolist(), strict=True)
        examples = tuple(f"{part.locate(a)} is {labels[a]!r}, {part.locate(b)} is {labels[b]!r}" for a, b in pairs)
        found = f"{say_rows(count, len(keys))} are equal to one with another label"
        remedy = self.for_columns if part.columns else self.for_files
        num_pairs = len(keys) * (len(keys) - 1) / 2
        is_chance = are_equal_by_chance(part, count=groups.num_pairs, pairs=num_pairs, without=numbers)
        is_few = bool(part.columns) and count < SMALL_FRACTION * len(keys)
        return [Finding(self.kind, part.name, found, remedy, count, examples, "note" if is_chance or is_few else "warning")]
