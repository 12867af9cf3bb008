"""Features from which the target can be read off: itself under another name, a code of it, or what was known only after it.

A model that has such a column learns nothing else, and fails where the column is not known yet. What few rows would show by
chance is not told. Costs a sort of each column: a quarter of a second for half a million cells, beyond which evenly spaced
rows are looked at.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.setting import write_setting
from tutelage.data.part.base import RowsPart
from tutelage.data.quality.base import Check
from tutelage.data.quality.columns import codes_of, sample_rows, say_sample
from tutelage.data.quality.finding import MAX_EXAMPLES, Finding, Severity
from tutelage.data.quality.labels import class_labels
from tutelage.data.quality.row_numbers import number_columns
from tutelage.data.quality.tells import tells_amount, tells_class
from tutelage.data.source.base import Collected

__all__ = ["TargetCopies"]

MIN_ROWS = 20
EXAMPLES = 2


class TargetCopies(Check):
    """A column that gives the target away."""

    kind: Literal["target_copies"] = "target_copies"
    remedy: ClassVar[str] = "Leave it out unless it is known before the target is"

    def look(self, collected: Collected) -> list[Finding]:
        """Compare each column of the train part with its target."""
        whole = collected.train
        if not isinstance(whole, RowsPart) or not whole.columns or not whole.target or len(whole) < MIN_ROWS:
            return []
        # Rows that merely count up are left out by the preprocessing, and follow the target wherever the rows are sorted.
        part = sample_rows(whole.without(number_columns(whole)))
        told = list(_told(part))
        several = len([name for name in part.columns if name != part.target]) > 1
        severity: Severity = "warning" if several else "note"
        findings = [self._finding(whole, part, name, found, severity) for name, found in told[:MAX_EXAMPLES]]
        if len(told) > MAX_EXAMPLES:
            names = [name for name, _ in told[MAX_EXAMPLES:]]
            where = f"{whole.name}, columns {', '.join(names[:MAX_EXAMPLES])}{', ...' * (len(names) > MAX_EXAMPLES)}"
            findings.append(Finding(self.kind, where, f"these {len(names):,} give the target away too", f"{self.remedy}."))
        return findings

    def _finding(self, whole: RowsPart, part: RowsPart, name: str, found: str, severity: Severity) -> Finding:
        """Say what one column tells, with the first rows that have a value in it."""
        cells, labels = part.column(name), part.labels
        assert cells is not None
        assert labels is not None
        rows = np.flatnonzero(np.asarray(pc.is_valid(cells)))[:EXAMPLES].tolist()
        examples = tuple(f"{part.locate(row)}: {cells[row].as_py()!s} and {labels[row]!s}" for row in rows)
        remedy = f"{self.remedy}: {write_setting('columns', name, value='dropped')}."
        return Finding(
            self.kind, f"{whole.name}, column {name}", found + say_sample(part, whole), remedy, len(whole), examples, severity
        )


def _told(part: RowsPart) -> Iterator[tuple[str, str]]:
    """Yield each column that gives the target away, and how."""
    classes = class_labels(part)
    amounts = None
    if classes is not None:
        codes = codes_of(pa.chunked_array([pa.array([str(label) for label in classes])]))
    elif part.labels is not None and part.labels.dtype.kind in "iuf":
        amounts = part.labels.astype(np.float64)
        if not np.isfinite(amounts).all():
            return
    else:
        return
    for name in part.columns:
        cells = part.column(name)
        if name == part.target or cells is None or not _can_be_compared(cells.type):
            continue
        found = tells_class(cells, codes) if amounts is None else tells_amount(cells, amounts)
        if found:
            yield name, found


def _can_be_compared(kind: pa.DataType) -> bool:
    """Tell whether a column's cells are single values."""
    return bool(
        pa.types.is_primitive(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_decimal(kind)
    )
