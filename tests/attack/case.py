"""A case of an attack, and what all attacks are made of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.attack.verdict import Verdict

__all__ = ["Attack", "Case"]


@dataclass(frozen=True)
class Case:
    """One try: a name, and what is done in an empty folder of its own."""

    name: str
    run: Callable[[Path], Verdict]


class Attack(Protocol):
    """A module of this package that has cases."""

    def cases(self, scratch: Path, *, is_sample: bool) -> Iterator[Case]:
        """Give all cases, or a few of each kind.

        Args:
            scratch: A folder for what several cases share, such as a finished run.
            is_sample: A few cases only.
        """
        ...
