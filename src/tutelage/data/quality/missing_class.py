"""Classes of the train part of which the test part has no row, so that its score says nothing of them.

Costs one pass over the labels of both parts.
"""

from collections import Counter
from typing import ClassVar, Literal

from tutelage.data.part.base import RowsPart
from tutelage.data.quality.base import Check
from tutelage.data.quality.finding import MAX_EXAMPLES, Finding, Severity
from tutelage.data.quality.labels import class_labels, place_of_labels
from tutelage.data.source.base import Collected

__all__ = ["MissingClass"]

LIKELY_ROWS, SURE_ROWS = 1.0, 3.0
"""Test rows of a class that its share of the train part lets expect: below the first it is no wonder that there are none, below
the second it may be chance: a note."""


class MissingClass(Check):
    """Classes that the test part lacks."""

    kind: Literal["missing_class"] = "missing_class"
    remedy: ClassVar[str] = "Add test rows of these classes, or let a test part be cut from train."

    def look(self, collected: Collected) -> list[Finding]:
        """Compare the classes of both parts."""
        test = collected.test
        labels = class_labels(collected.train)
        if labels is None or not isinstance(test, RowsPart) or test.labels is None or not len(test):
            return []
        counts, tested = Counter(labels), set(test.labels.tolist())
        expected = {name: count * len(test) / len(labels) for name, count in counts.items() if name not in tested}
        absent = sorted((name for name in expected if expected[name] >= LIKELY_ROWS), key=lambda name: (-counts[name], str(name)))
        if not absent:
            return []
        found = f"no row of {len(absent):,} of {len(counts):,} classes, so the test score says nothing of them"
        examples = tuple(f"{name!r} ({counts[name]:,} train rows)" for name in absent[:MAX_EXAMPLES])
        severity: Severity = "warning" if expected[absent[0]] >= SURE_ROWS else "note"
        return [Finding(self.kind, place_of_labels(test), found, self.remedy, None, examples, severity)]
