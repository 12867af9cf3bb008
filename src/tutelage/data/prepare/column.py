"""A column of a table: the role it was given, and why; not a component."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Column", "Role"]

Role = Literal["number", "category", "date", "boolean", "dropped", "target"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column with its role and the reason for it."""

    name: str
    role: Role
    reason: str
