"""Rows of the test part, or of the source's own validation part, that are also in the train part.

A model is then tested on what it has seen. Costs two sorts of hashes: about two seconds for a million rows.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.data.part.base import Part, RowsPart
from tutelage.data.quality.base import Check
from tutelage.data.quality.equal_rows import are_equal_by_chance, group_rows, row_keys, say_rows
from tutelage.data.quality.finding import MAX_EXAMPLES, Finding, Severity
from tutelage.data.quality.row_numbers import number_columns
from tutelage.data.source.base import Collected

__all__ = ["LeakedRows"]

SMALL_FRACTION = 0.005
"""Share of the test rows below which equal rows of a table hardly move a score."""


class LeakedRows(Check):
    """Equal rows in both parts.

    Rows of a few columns can be equal by chance: where they are no more often so than within the train part, it is a note
    only. So it is where they are very few.
    """

    kind: Literal["leaked_rows"] = "leaked_rows"
    remedy: ClassVar[str] = "Remove them from one of the two parts."

    def look(self, collected: Collected) -> list[Finding]:
        """Compare the content of the parts, labels left out."""
        judged = (collected.test, collected.validation)
        return [finding for part in judged for finding in self._compare(collected.train, part)]

    def _compare(self, train: Part, test: Part | None) -> list[Finding]:
        """Look for rows of one part in the train part."""
        numbers = number_columns(train, test)
        seen, tested = row_keys(train, without=numbers), row_keys(test, without=numbers)
        if seen is None or tested is None or not isinstance(train, RowsPart) or not isinstance(test, RowsPart):
            return []
        twins = np.flatnonzero(np.isin(tested, seen))
        if not len(twins):
            return []
        share, usual = len(twins) / len(tested), group_rows(seen).num_repeated / len(seen)
        pairs = len(seen) * len(tested)
        is_chance = share <= usual and are_equal_by_chance(train, count=len(twins), pairs=pairs, without=numbers)
        found = f"{say_rows(len(twins), len(tested))} are also in the train part"
        found += (
            f", within which {usual:.0%} repeat as well" if is_chance and usual else f", so the {test.name} score is too good"
        )
        examples = tuple(
            f"{test.locate(row)} = {train.locate(int(np.argmax(seen == tested[row])))}" for row in twins[:MAX_EXAMPLES].tolist()
        )
        is_few = bool(test.columns) and share < SMALL_FRACTION
        severity: Severity = "note" if is_chance or is_few else "warning"
        return [Finding(self.kind, test.name, found, self.remedy, len(twins), examples, severity)]
