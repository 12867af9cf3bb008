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
from tutelage.data.source.base import Collected

__all__ = ["ConflictingLabels"]


class ConflictingLabels(Check):
    """The same content under two labels.

    Rows of a table can be equal by chance, so there it is a note only; with files and pictures it is a mistake.
    """

    kind: Literal["conflicting_labels"] = "conflicting_labels"
    for_files: ClassVar[str] = "Keep the right one of each."
    for_columns: ClassVar[str] = (
        "Mend the labels, or add a column that tells such rows apart: no model can get all of them right."
    )

    def look(self, collected: Collected) -> list[Finding]:
        """Compare labels of equal rows."""
        part, keys = collected.train, row_keys(collected.train)
        labels = class_labels(part) if keys is not None else None
        if keys is None or labels is None or not isinstance(part, RowsPart):
            return []
        groups, numbers = group_rows(keys), number_labels(labels)
        differs = np.flatnonzero(numbers != numbers[groups.first[groups.group]])
        if not len(differs):
            return []
        clashing, others = np.unique(groups.group[differs], return_index=True)
        count = int(groups.sizes[clashing].sum())
        shown = np.sort(differs[others])[:MAX_EXAMPLES]
        pairs = zip(groups.first_like(shown).tolist(), shown.tolist(), strict=True)
        examples = tuple(f"{part.locate(a)} is {labels[a]!r}, {part.locate(b)} is {labels[b]!r}" for a, b in pairs)
        found = f"{say_rows(count, len(keys))} are equal to one with another label"
        is_chance = are_equal_by_chance(part)
        remedy = self.for_columns if is_chance else self.for_files
        return [Finding(self.kind, part.name, found, remedy, count, examples, "note" if is_chance else "warning")]
