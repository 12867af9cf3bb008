"""Every error a user can cause, as one tree; each says what was found, where, what was expected and what to do.

TutelageError
  UsageError        the command line or a call cannot be understood            exit 2
  RecipeError       a recipe key or value is wrong                             exit 2
  DataError         the data was refused before training, all problems listed  exit 3
  RunError          a run folder is missing, damaged or belongs elsewhere      exit 2
  DivergedError     training produced a number that is not finite              exit 1
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DataError", "DivergedError", "Problem", "RecipeError", "RunError", "TutelageError", "UsageError"]

MAX_SHOWN = 20
"""Problems written out in full; the rest are counted (all of them are in `DataError.problems`)."""


class TutelageError(Exception):
    """A mistake that the user can mend; its text is complete without a traceback."""

    exit_code = 1


class UsageError(TutelageError):
    """A command or a call that cannot be understood."""

    exit_code = 2


class RecipeError(TutelageError):
    """A recipe that names an unknown key or holds a value out of range."""

    exit_code = 2


class RunError(TutelageError):
    """A run folder that is missing, damaged, or does not fit what was asked of it."""

    exit_code = 2


class DivergedError(TutelageError):
    """Training that produced a loss or weight that is not finite; `step` is where it was seen, -1 where that is unknown."""

    def __init__(self, message: str = "", *, step: int = -1) -> None:
        self.step = step
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the data.

    Attributes:
        where: File, row and column, as far as they apply, such as `train.csv row 17, column age`.
        found: What is there.
        remedy: What the user can do about it.
        item: Position of the bad item within its part of the data, where it could be left out; -1 where it could not.
    """

    where: str
    found: str
    remedy: str
    item: int = -1

    @property
    def can_skip(self) -> bool:
        """Whether what is wrong can be left out."""
        return self.item >= 0

    def __str__(self) -> str:
        return f"{self.where}: {self.found}. {self.remedy}"


class DataError(TutelageError):
    """Data refused before training; `problems` holds everything found, not the first only."""

    exit_code = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        lines = [f"{count} problem{'s' if count != 1 else ''} found in the data, before anything was done with it:"]
        lines += [f"  {problem}" for problem in self.problems[:MAX_SHOWN]]
        if count > MAX_SHOWN:
            lines.append(f"  ... and {count - MAX_SHOWN} more.")
        if any(problem.item >= 0 for problem in self.problems):
            lines.append("To leave the bad items out and go on: --on-bad-data skip (they are counted and listed in the report).")
        super().__init__("\n".join(lines))
