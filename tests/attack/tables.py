"""Awkward tables: each ends in the right answer, an announced fall-back, or a refusal with exit code 2 or 3; never in silence.

A case fails where a cell became missing, or a row was left out, without a word about it; where a cell has another value than
was written; where the refusal does not say what was found; and where anything but an error of ours is raised.
"""

import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType

import tutelage
from tests.attack import case as attack
from tests.attack import file_cases, layout_cases, row_cases
from tests.attack.table_case import Case
from tests.attack.verdict import Ending, Verdict
from tutelage.core.errors import DataError, UsageError
from tutelage.data.part.table import TablePart
from tutelage.data.part.texts import TextPart
from tutelage.data.source.recognize import recognize

__all__ = ["all_cases", "cases", "judge"]

LIMIT_S = 60


def cases(scratch: Path, *, is_sample: bool) -> Iterator[attack.Case]:
    """Give every table."""
    for case in all_cases()[:: 20 if is_sample else 1]:
        yield attack.Case(f"{case.kind}/{case.name}", partial(judge, case))


def all_cases() -> list[Case]:
    """Return every case, by kind."""
    makers = (*layout_cases.KINDS, *row_cases.KINDS, *file_cases.KINDS)
    return [replace(case, kind=make.__name__) for make in makers for case in make()]


def judge(case: Case, folder: Path) -> Verdict:
    """Read the file of a case as a training would, and compare what came out with what was written."""
    path = case.write(folder)
    try:
        with _limited():
            source = recognize(str(path))
            found = source(path=str(path), **case.settings).collect()
            if not isinstance(found.train, TablePart | TextPart):
                # One text, without rows: whether it is long enough is seen where it is cut into parts.
                tutelage.plan(str(path))
    except (DataError, UsageError) as error:
        if case.refused and re.search(case.refused, str(error)):
            return Verdict(Ending.REFUSED, str(error))
        return Verdict(Ending.UNCLEAR, f"another refusal: {error}")
    except TimeoutError:
        return Verdict(Ending.HANG)
    except Exception as error:
        return Verdict(Ending.TRACEBACK, f"{type(error).__name__}: {error}")
    said = [*found.notes, *found.warnings, *map(str, found.problems)]
    if case.refused:
        if found.problems and re.search(case.refused, str(DataError(found.problems))):
            return Verdict(Ending.REFUSED, said[-1])
        return Verdict(Ending.SILENT, f"not refused: {said}")
    # A column of texts makes texts of a table.
    assert isinstance(found.train, TablePart | TextPart)
    fault = _compare(found.train, case, said, num_refused=sum(max(1, len(problem.items)) for problem in found.problems))
    if fault:
        return Verdict(Ending.SILENT, f"{fault}; told: {said}")
    return Verdict(Ending.TOLD if case.told or found.problems else Ending.RIGHT, "; ".join(said))


def _compare(part: TablePart | TextPart, case: Case, said: Sequence[str], *, num_refused: int) -> str:
    """Say what differs between a table that was read and what was written."""
    for words in case.told:
        if not any(re.search(words, line) for line in said):
            return f"nothing is said of {words!r}"
    if num_refused and not case.num_refused:
        return f"{num_refused} rows were refused for nothing"
    if case.num_refused and num_refused != case.num_refused:
        return f"{num_refused} problems, not {case.num_refused}"
    if case.num_rows is not None and len(part) != case.num_rows:
        return f"{len(part)} rows, not {case.num_rows}"
    if case.target and part.target != case.target:
        return f"the target is {part.target!r}, not {case.target!r}"
    if isinstance(part, TextPart):
        return ""
    num_missing = sum(part.column(name).null_count for name in part.columns)
    if num_missing != case.num_missing:
        return f"{num_missing} cells are missing, not {case.num_missing}"
    for name, values in case.values.items():
        if name not in part.columns:
            return f"there is no column {name!r} but {part.columns}"
        if (seen := part.column(name).to_pylist()[: len(values)]) != list(values):
            return f"column {name!r} begins {seen}, not {list(values)}"
    return ""


@contextmanager
def _limited() -> Iterator[None]:
    """End a case that does not come to an end."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
