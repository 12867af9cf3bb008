"""Rows of the train part that occur more than once, label included.

They weigh more than others, and since validation rows are cut from the train part at random, copies fall on both sides.
Costs a sort of hashes and a pass over the labels: about a second for a million rows.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.data.part.base import RowsPart
from tutelage.data.quality.base import Check
from tutelage.data.quality.equal_rows import are_equal_by_chance, group_rows, row_keys, say_rows
from tutelage.data.quality.finding import MAX_EXAMPLES, Finding, Severity
from tutelage.data.quality.row_numbers import number_columns
from tutelage.data.source.base import Collected

__all__ = ["RepeatedRows"]

SMALL_FRACTION = 0.01
"""Share of repeated rows below which no score is moved: a note."""
TWICE, MIN_CONTENTS = 0.95, 20
"""Share of different contents, among at least so many, that occur twice, four times, six times: the table was put in twice."""


class RepeatedRows(Check):
    """The same row several times; rows of a few columns can be equal by chance, so there it is a note only."""

    kind: Literal["repeated_rows"] = "repeated_rows"
    remedy: ClassVar[str] = "Keep one of each, unless they are different things that look alike."

    def look(self, collected: Collected) -> list[Finding]:
        """Compare the rows of the train part with each other."""
        part, numbers = collected.train, number_columns(collected.train)
        keys = row_keys(part, without=numbers)
        if keys is None or not isinstance(part, RowsPart):
            return []
        groups = group_rows(keys, None if part.labels is None else part.labels.tolist())
        count = groups.num_repeated
        if not count:
            return []
        is_twice = len(groups.sizes) >= MIN_CONTENTS and float(np.mean(groups.sizes % 2 == 0)) >= TWICE
        pairs = len(keys) * (len(keys) - 1) / 2
        is_chance = not is_twice and are_equal_by_chance(part, count=groups.num_pairs, pairs=pairs, without=numbers)
        is_rare = count < SMALL_FRACTION * len(keys)
        if is_chance and is_rare:
            return []
        rows = np.arange(len(keys))
        copies = np.flatnonzero(groups.first_like(rows) != rows)[:MAX_EXAMPLES]
        examples = tuple(
            f"{part.locate(copy)} = {part.locate(first)}"
            for copy, first in zip(copies.tolist(), groups.first_like(copies).tolist(), strict=True)
        )
        often = "an even number of times, as if all had been put in twice" if is_twice else "more than once"
        found = f"{say_rows(count, len(keys))} occur {often}, so copies fall into train and validation alike"
        severity: Severity = "note" if is_chance or is_rare else "warning"
        return [Finding(self.kind, part.name, found, self.remedy, count, examples, severity)]
