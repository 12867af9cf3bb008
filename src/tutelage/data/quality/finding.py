"""One possible fault of the data: what a check found, where, and what to do about it."""

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["MAX_EXAMPLES", "Finding", "Severity"]

Severity = Literal["note", "warning"]
"""A note stands in the report only; a warning is also told at once."""

MAX_EXAMPLES = 5
"""Rows, or classes, that a check names."""
EXAMPLES_TOLD = 3
"""How many of them the one line of a warning names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        check: Kind of the check.
        where: Part of the data, with the column where there is one, such as `train, column kind`.
        found: What is wrong, and what it does to the training.
        remedy: What to do.
        count: Rows concerned; None where rows are not what is counted.
        examples: A few of them, named as the user knows them.
        severity: How much it matters.
        relates_rows: Whether it says that rows hang together, so that a random split flatters.
    """

    check: str
    where: str
    found: str
    remedy: str
    count: int | None = None
    examples: tuple[str, ...] = ()
    severity: Severity = "warning"
    relates_rows: bool = False

    def record(self) -> dict[str, Any]:
        """Return the finding as JSON has it, for data.json."""
        return {
            "check": self.check,
            "where": self.where,
            "found": self.found,
            "remedy": self.remedy,
            "count": self.count,
            "examples": list(self.examples),
            "severity": self.severity,
            "relates_rows": self.relates_rows,
        }

    def __str__(self) -> str:
        """Say it in one line."""
        told = "; ".join(self.examples[:EXAMPLES_TOLD]) + ("; ..." if len(self.examples) > EXAMPLES_TOLD else "")
        return f"{self.where}: {self.found}{f' ({told})' if told else ''}. {self.remedy}"
