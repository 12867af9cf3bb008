"""Classes that have too few rows to learn, validate and test on.

Costs one pass over the labels.
"""

from collections import Counter
from typing import ClassVar, Literal

from pydantic import Field

from tutelage.data.quality.base import Check
from tutelage.data.quality.finding import MAX_EXAMPLES, Finding
from tutelage.data.quality.labels import class_labels, place_of_labels
from tutelage.data.source.base import Collected

__all__ = ["RareClasses"]


class RareClasses(Check):
    """Classes with few rows."""

    kind: Literal["rare_classes"] = "rare_classes"
    min_rows: int = Field(5, ge=1, description="Classes with fewer train rows than this are told of.")
    remedy: ClassVar[str] = "Add rows of these classes, join them with others, or leave them out."

    def look(self, collected: Collected) -> list[Finding]:
        """Count the rows of each class of the train part."""
        counts = Counter(class_labels(collected.train) or [])
        rare = sorted(((count, str(name)) for name, count in counts.items() if count < self.min_rows))
        if not rare:
            return []
        found = f"{len(rare):,} of {len(counts):,} classes have fewer than {self.min_rows} rows"
        examples = tuple(f"{name} ({count})" for count, name in rare[:MAX_EXAMPLES])
        rows = sum(count for count, _ in rare)
        return [Finding(self.kind, place_of_labels(collected.train), found, self.remedy, rows, examples)]
