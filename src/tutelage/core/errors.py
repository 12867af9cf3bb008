"""Every error a user can cause, as one tree; each says what was found, where, what was expected and what to do.

TutelageError
  UsageError        the command line or a call cannot be understood            exit 2   code usage
  RecipeError       a recipe key or value is wrong                             exit 2   code recipe
  DataError         the data was refused before training, all problems listed  exit 3   code data
  RunError          a run folder is missing, damaged or belongs elsewhere      exit 2   code run
    DiskError       a file that the file system refuses to write or read       exit 2   code io
  FaultyEnvironmentError  an environment broke, or gave what it must not        exit 3   code environment
  DivergedError     training produced numbers that nothing can learn from      exit 1   code diverged
  OutOfMemoryError  there was not enough memory, and no smaller step would do  exit 1   code memory

The code is what programs read: `--json` prints `record()` under the key `error`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tutelage.core.names import readable
from tutelage.core.outlet import one_line

__all__ = [
    "BRING_BACK",
    "DataError",
    "DataProblem",
    "DiskError",
    "DivergedError",
    "FaultyEnvironmentError",
    "OutOfMemoryError",
    "RecipeError",
    "RunError",
    "TutelageError",
    "UsageError",
    "say_problems",
]

BRING_BACK = "Bring an intact copy back, or train anew."
"""What to do about a file that is not what the run wrote."""
MAX_SHOWN = 20
"""Problems written out in full; the rest are counted (all of them are in `DataError.problems`)."""
MOST_ALIKE = 3
"""Problems of one cause that are told one by one."""
MAX_CHARACTERS = 1000
"""Of a place, of what was found there, or of a remedy."""


class TutelageError(Exception):
    """A mistake that the user can mend; its text is complete without a traceback."""

    exit_code = 1
    code: ClassVar[str] = "error"
    """What kind of mistake it is, for programs."""

    def record(self) -> dict[str, Any]:
        """Return the error for programs: code, exit code, message, and each problem of the data by itself."""
        return {"code": self.code, "exit_code": self.exit_code, "message": self.message, "problems": []}

    @property
    def message(self) -> str:
        """What happened, without the problems that `record` lists by themselves."""
        return str(self)


class UsageError(TutelageError):
    """A command or a call that cannot be understood."""

    exit_code = 2
    code = "usage"


class RecipeError(TutelageError):
    """A recipe that names an unknown key or holds a value out of range."""

    exit_code = 2
    code = "recipe"


class RunError(TutelageError):
    """A run folder that is missing, damaged, or does not fit what was asked of it."""

    exit_code = 2
    code = "run"


class DiskError(RunError):
    """A file that the file system refuses to write or read, for now: it is worth trying again.

    Attributes:
        path: The file, "" where that is unknown.
        number: The system's number of the error, 0 where that is unknown.
    """

    code = "io"

    def __init__(self, message: str = "", *, path: str = "", number: int = 0) -> None:
        self.path = path
        self.number = number
        super().__init__(message)


class FaultyEnvironmentError(TutelageError):
    """An environment that broke, or gave what an environment must not give: an agent's data are wrong."""

    exit_code = 3
    code = "environment"


class DivergedError(TutelageError):
    """Training that produced a loss or weight that is not finite.

    Attributes:
        step: Where it was seen, -1 where that is unknown.
        folder: The run folder, "" where there is none.
        report: The report's path, "" where none is written: without a finite score nothing is kept to report on.
    """

    code = "diverged"

    def __init__(self, message: str = "", *, step: int = -1, folder: str = "", report: str = "") -> None:
        self.step = step
        self.folder = folder
        self.report = report
        super().__init__(message)

    def record(self) -> dict[str, Any]:
        """Return the error for programs, with the run folder and the report, where there are any."""
        places = {"run": self.folder, "report": self.report}
        return TutelageError.record(self) | {key: place for key, place in places.items() if place}


class OutOfMemoryError(TutelageError):
    """Work that the memory does not suffice for; the message says what was being done."""

    code = "memory"


@dataclass(frozen=True, slots=True)
class DataProblem:
    """One thing wrong with the data, in one item or in several.

    Attributes:
        where: File, row and column, as far as they apply, such as `train.csv row 17, column age`.
        found: What is there.
        remedy: What the user can do about it.
        item: Position of the bad item, or of the first one, within its part of the data; -1 where it could not be left out.
        items: Positions of all items with this fault, in order; () where they could not be left out.
        cause: What it has in common with others, such as a column and what is expected there: many of one cause are told in one
            line. "" where it stands alone.
    """

    where: str
    found: str
    remedy: str
    item: int = -1
    items: tuple[int, ...] = ()
    cause: str = ""

    def __post_init__(self) -> None:
        """Let either of `item` and `items` follow from the other; names of files in an old encoding are made readable."""
        for name in ("where", "found", "remedy"):
            object.__setattr__(self, name, _cut(readable(getattr(self, name))))
        if self.items:
            object.__setattr__(self, "item", self.items[0])
        elif self.item >= 0:
            object.__setattr__(self, "items", (self.item,))

    @property
    def can_skip(self) -> bool:
        """Whether what is wrong can be left out."""
        return self.item >= 0

    def record(self) -> dict[str, Any]:
        """Return the problem for programs and for the report."""
        return {"where": self.where, "found": self.found, "remedy": self.remedy}

    def __str__(self) -> str:
        return one_line(f"{self.where}: {self.found}. {self.remedy}")


def say_problems(problems: Sequence[DataProblem]) -> list[str]:
    """Return a line for each problem, and one alone for many of the same cause: how many they are, and where the first ones are.

    Example:
        >>> odd = [DataProblem(f"row {row}, column a", "'x' is no number", "Mend it.", cause="a") for row in range(9)]
        >>> say_problems(odd)
        ["row 0, column a: 'x' is no number, and 8 more alike (row 1, row 2, row 3, ...). Mend it."]
    """
    alike: dict[tuple[str, str], list[DataProblem]] = {}
    for number, problem in enumerate(problems):
        alike.setdefault((problem.cause, problem.remedy) if problem.cause else ("", str(number)), []).append(problem)
    return [line for group in alike.values() for line in _lines(group)]


def _lines(alike: Sequence[DataProblem]) -> list[str]:
    """Return one line for each of a few problems of one cause, and one for many."""
    if len(alike) <= MOST_ALIKE:
        return [str(problem) for problem in alike]
    first, *others = alike
    _, comma, column = first.where.rpartition(", ")
    shown = ", ".join(problem.where.removesuffix(comma + column if comma else "") for problem in others[:MOST_ALIKE])
    found = f"{first.found}, and {len(others):,} more alike ({shown}{', ...' * (len(others) > MOST_ALIKE)})"
    return [one_line(f"{first.where}: {found}. {first.remedy}")]


def _cut(text: str) -> str:
    """Leave out the middle of an endless text, such as a cell of thousands of digits."""
    left_out = len(text) - MAX_CHARACTERS
    return text if left_out <= 0 else f"{text[: MAX_CHARACTERS // 2]} ({left_out:,} characters) {text[-MAX_CHARACTERS // 2 :]}"


class DataError(TutelageError):
    """Data refused before training; `problems` holds everything found, not the first only."""

    exit_code = 3
    code = "data"

    def __init__(self, problems: Sequence[DataProblem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        self._summary = f"{count} problem{'s' if count != 1 else ''} found in the data, before anything was done with it"
        told = say_problems(self.problems)
        lines = [f"{self._summary}:", *(f"  {line}" for line in told[:MAX_SHOWN])]
        if len(told) > MAX_SHOWN:
            lines.append(f"  ... and {len(told) - MAX_SHOWN} more.")
        if self._hint:
            lines.append(self._hint)
        super().__init__("\n".join(lines))

    def record(self) -> dict[str, Any]:
        """Return the error for programs, with every problem."""
        return TutelageError.record(self) | {"problems": [problem.record() for problem in self.problems]}

    @property
    def summary(self) -> str:
        """How many problems there are, for whoever cannot leave some out."""
        return f"{self._summary}."

    @property
    def message(self) -> str:
        """How many problems there are, and whether they could be left out."""
        return f"{self._summary}. {self._hint}".rstrip()

    @property
    def _hint(self) -> str:
        """How to go on without the bad items, or "" where no problem is of one item."""
        if not any(problem.can_skip for problem in self.problems):
            return ""
        skip = '--on-bad-data skip, in Python on_bad_data="skip"'
        mended = "" if all(problem.can_skip for problem in self.problems) else " What is not of one item has to be mended first."
        return f"To leave the bad items out and go on: {skip} (they are counted and listed).{mended}"
