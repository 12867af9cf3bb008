"""Rows of one patient, user, session or camera: a random split has some of them in train and others in test.

The model then recognizes the one it has seen, and does worse on new ones. Seen from a column, or from file names, that name
such things, each in several rows. Costs a pass over these columns, or over the names.
"""

import re
from typing import Literal

import numpy as np
import pyarrow as pa

from tutelage.core.setting import write_setting
from tutelage.data.part.base import RowsPart
from tutelage.data.part.row_digest import chance_of_pair
from tutelage.data.prepare.columns import ID_NAME
from tutelage.data.quality.base import Check
from tutelage.data.quality.columns import codes_of
from tutelage.data.quality.equal_rows import number_labels
from tutelage.data.quality.finding import Finding, Severity
from tutelage.data.source.base import Collected

__all__ = ["RowsInGroups"]

WHO = (
    "patient|subject|user|session|customer|client|person|participant|speaker|student|household|family|animal|donor|driver|rider|"
    "player|visitor|athlete|respondent|volunteer|writer|author|individual|camera|video|device|machine|engine|vehicle|recording|slide"
)  # fmt: skip
"""What has several rows, and is new where a model is used."""
WHO_NAME = re.compile(rf"^(?:.*[_\s.-])?({WHO})(?:[_\s.-]?(?:id|ids|no|nr|num|number|code|key|name))?$", re.IGNORECASE)
FILE_PATTERNS = tuple(rf"{who}[_-]?(\d+)" for who in WHO.split("|"))
MIN_ROWS, MIN_GROUPS, MIN_WORDS = 20, 3, 10
"""Fewer rows, groups, or groups that are named by a word without a digit, are no ids."""
MIN_REPEATED = 0.5
"""Share of the rows whose group has other rows."""
MAX_LOOKED_AT = 20_000
MAX_COLUMNS = 50
ALIKE, UNLIKE = 0.99, 0.9
"""How often rows of one group must have the same cell, and any two rows at most, for the column to belong to the group."""


class RowsInGroups(Check):
    """Rows that belong together."""

    kind: Literal["rows_in_groups"] = "rows_in_groups"

    def look(self, collected: Collected) -> list[Finding]:
        """Look at columns, or names, that say what rows belong to; the first one found is told."""
        part = collected.train
        if not isinstance(part, RowsPart) or len(part) < MIN_ROWS or collected.split.by == "group":
            return []
        return self._in_columns(part, collected) if part.columns else self._in_names(part, collected)

    def _in_columns(self, part: RowsPart, collected: Collected) -> list[Finding]:
        """Look at columns that are called like an id: who it is, or an id that other columns follow."""
        notes = []
        for name in part.columns:
            plain_name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
            is_who = bool(WHO_NAME.match(plain_name))
            if name == part.target or not (is_who or ID_NAME.search(plain_name)):
                continue
            groups = _groups(part, name)
            if groups is None:
                continue
            follow = _follow(part, name, groups)
            said = f"{write_setting('split', 'by', value='group')} {write_setting('split', 'column', value=name)}"
            also = f"; {', '.join(follow[:3])}{', ...' * (len(follow) > 3)} belong to it" if follow else ""
            is_sure = is_who or bool(follow)
            finding = self._finding(collected, f"{part.name}, column {name}", groups, f"it repeats{also}", said, is_sure=is_sure)
            if is_sure:
                return [finding]
            notes.append(finding)
        return notes[:1]

    def _in_names(self, part: RowsPart, collected: Collected) -> list[Finding]:
        """Look at names of files such as `patient12_3.png`."""
        first = [part.locate(row) for row in range(MIN_ROWS)]
        for pattern in FILE_PATTERNS:
            expression = re.compile(pattern, re.IGNORECASE)
            if not all(expression.search(name) for name in first):
                continue
            names = [part.locate(row) for row in range(len(part))]
            found = [expression.search(name) for name in names]
            if any(match is None for match in found):
                continue
            groups = number_labels([match.group(1) for match in found if match is not None])
            if not _are_groups(groups) or _are_classes(part, groups):
                continue
            written = pattern if all(re.search(pattern, name) for name in names) else f"(?i){pattern}"
            said = f"{write_setting('split', 'by', value='group')} {write_setting('split', 'pattern', value=written)}"
            return [
                self._finding(collected, f"{part.name}, file names", groups, f"{pattern} repeats in them", said, is_sure=True)
            ]
        return []

    def _finding(self, collected: Collected, where: str, groups: np.ndarray, how: str, said: str, *, is_sure: bool) -> Finding:
        """Say what was found."""
        known = groups[groups >= 0]
        count = len(np.unique(known))
        found = f"{how}: {len(known):,} rows are of {count:,} groups, and a random split has rows of each in all parts"
        severity: Severity = "warning" if is_sure and collected.split.by == "auto" else "note"
        return Finding(self.kind, where, found, f"To keep all rows of each together: {said}.", len(known), (), severity, True)


def _groups(part: RowsPart, name: str) -> np.ndarray | None:
    """Return the group of each row by a column, -1 where it is empty; None where the column names no groups."""
    cells = part.column(name)
    if cells is None or not (
        pa.types.is_integer(cells.type) or pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)
    ):
        return None
    groups = codes_of(cells)
    if cells.null_count:
        groups = np.where(groups == groups.max(), -1, groups)
    if not _are_groups(groups) or _are_classes(part, groups):
        return None
    if not pa.types.is_integer(cells.type):
        values = [str(value) for value in cells.unique().to_pylist() if value is not None]
        if len(values) < MIN_WORDS and not all(re.search(r"\d", value) for value in values):
            return None
    return groups


def _are_groups(groups: np.ndarray) -> bool:
    """Tell whether there are several groups, most of whose rows are not alone in theirs."""
    counts = np.bincount(groups[groups >= 0])
    counts = counts[counts > 0]
    return len(counts) >= MIN_GROUPS and int(counts[counts > 1].sum()) >= MIN_REPEATED * len(groups)


def _are_classes(part: RowsPart, groups: np.ndarray) -> bool:
    """Tell whether each group is one class, and each class one group: then it is what is to be told, not what is given."""
    if part.labels is None:
        return False
    labels = number_labels([str(label) for label in part.labels.tolist()])
    num_pairs = len(np.unique(groups.astype(np.int64) * (int(labels.max()) + 1) + labels))
    return num_pairs == len(np.unique(labels)) == len(np.unique(groups))


def _follow(part: RowsPart, name: str, groups: np.ndarray) -> list[str]:
    """Return the columns that are the same in all rows of a group, and not in all rows."""
    rows = np.argsort(groups, kind="stable")
    rows = rows[groups[rows] >= 0][:MAX_LOOKED_AT]
    is_same = np.diff(groups[rows]) == 0
    found = []
    looked_at = part.select(rows)
    for other in [column for column in part.columns if column != name][:MAX_COLUMNS]:
        cells = looked_at.column(other)
        if cells is None or pa.types.is_nested(cells.type):
            continue
        codes = codes_of(cells)
        alike = (np.diff(codes) == 0)[is_same]
        if len(alike) and alike.mean() >= ALIKE and chance_of_pair(np.bincount(codes)) <= UNLIKE:
            found.append(other)
    return found
