"""Awkward tables: each ends in the right answer, an announced fall-back, or a refusal with exit code 2 or 3; never in silence.

    python -m tests.attack.tables            all cases, with a summary; exit code 1 where one fails
    python -m tests.attack.tables packed     the kinds whose name contains a word

A case fails where a cell became missing, or a row was left out, without a word about it; where a cell has another value than
was written; where the refusal does not say what was found; and where anything but an error of ours is raised.
"""

import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tests.attack import file_cases, layout_cases, row_cases
from tests.attack.table_case import Case
from tutelage.core.errors import DataError, UsageError
from tutelage.data.part.table import TablePart
from tutelage.data.source.recognize import recognize

__all__ = ["Verdict", "all_cases", "judge"]

LIMIT_S = 60
GOOD = ("right", "announced", "refused")


@dataclass(frozen=True)
class Verdict:
    """How a case ended, and in which words."""

    outcome: str
    words: str = ""

    @property
    def is_good(self) -> bool:
        """Whether nothing was wrong in silence."""
        return self.outcome in GOOD


def all_cases() -> list[Case]:
    """Return every case, by kind."""
    return [case for make in (*layout_cases.KINDS, *row_cases.KINDS, *file_cases.KINDS) for case in make()]


def judge(case: Case, folder: Path) -> Verdict:
    """Read the file of a case as a training would, and compare what came out with what was written."""
    path = case.write(folder)
    try:
        with _limited():
            source = recognize(str(path))
            found = source(path=str(path), **case.settings).collect()
    except (DataError, UsageError) as error:
        if case.refused and re.search(case.refused, str(error)):
            return Verdict("refused", str(error))
        return Verdict("wrong refusal", str(error))
    except TimeoutError:
        return Verdict("hang")
    except Exception as error:
        return Verdict("traceback", f"{type(error).__name__}: {error}")
    assert isinstance(found.train, TablePart)
    said = [*found.notes, *found.warnings, *map(str, found.problems)]
    if case.refused:
        if found.problems and re.search(case.refused, str(DataError(found.problems))):
            return Verdict("refused", said[-1])
        return Verdict("silent", f"not refused: {said}")
    fault = _compare(found.train, case, said, num_refused=sum(max(1, len(problem.items)) for problem in found.problems))
    if fault:
        return Verdict("silent", f"{fault}; told: {said}")
    return Verdict("announced" if case.told or found.problems else "right", "; ".join(said))


def _compare(part: TablePart, case: Case, said: Sequence[str], *, num_refused: int) -> str:
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


def main(words: Sequence[str]) -> int:
    """Run all cases, or those of some kinds, and print what came of them."""
    cases = [case for case in all_cases() if not words or any(word in case.kind for word in words)]
    counts: Counter[str] = Counter()
    started = time.monotonic()
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            verdict = judge(case, Path(folder))
        counts[verdict.outcome] += 1
        if not verdict.is_good:
            sys.stdout.write(f"{verdict.outcome:<14} {case.kind}/{case.name}: {verdict.words[:600]}\n")
        elif words:
            sys.stdout.write(f"{verdict.outcome:<14} {case.kind}/{case.name}: {verdict.words[:300]!r}\n")
    shown = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    sys.stdout.write(f"{len(cases)} tables in {time.monotonic() - started:.0f} s: {shown}\n")
    return 0 if set(counts) <= set(GOOD) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
