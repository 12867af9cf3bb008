"""Classes whose names differ only in case, blanks, punctuation at the end, or what cannot be seen.

They are learned as different classes, which is rarely meant. Costs one pass over the labels.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from tutelage.data.quality.base import Check
from tutelage.data.quality.finding import MAX_EXAMPLES, Finding
from tutelage.data.quality.labels import class_labels, place_of_labels
from tutelage.data.source.base import Collected
from tutelage.data.source.class_names import find_double_spellings

__all__ = ["DoubleSpellings"]


class DoubleSpellings(Check):
    """One class in several spellings."""

    kind: Literal["double_spellings"] = "double_spellings"
    remedy: ClassVar[str] = "Use one spelling if they are the same."

    def look(self, collected: Collected) -> list[Finding]:
        """Compare the names of the train part's classes; the count is of the rows in the rarer spellings."""
        labels = class_labels(collected.train) or []
        counts = Counter(label for label in labels if isinstance(label, str))
        groups = find_double_spellings(counts)
        if not groups:
            return []
        rarer = sum(sum(counts[name] for name in group) - max(counts[name] for name in group) for group in groups)
        examples = tuple(" and ".join(map(_written(group), group)) for group in groups[:MAX_EXAMPLES])
        found = "names that differ only in spelling are kept as different classes"
        return [Finding(self.kind, place_of_labels(collected.train), found, self.remedy, rarer, examples)]


def _written(names: Sequence[str]) -> Callable[[str], str]:
    """Return how to write names so that people see in what they differ: by the numbers of their signs where they look alike."""
    looks = {unicodedata.normalize("NFC", "".join(sign for sign in name if sign.isprintable())) for name in names}
    return repr if len(looks) == len(names) else ascii
