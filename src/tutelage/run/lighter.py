"""A trial on fewer rows, where evaluating all held-out rows or fitting the floor takes long: seconds for the others are added."""

import time
from dataclasses import dataclass, replace

from tutelage.core.stopwatch import Stopwatch
from tutelage.planning.plan import Plan
from tutelage.run.compose import Composed
from tutelage.task.base import Data, Problem
from tutelage.task.beside import Beside
from tutelage.task.companion import Companion
from tutelage.task.rows import RowsData

__all__ = ["Lighter", "fit_floor", "lighter"]

FEW_ROWS = 64
"""Rows that are evaluated to see how long a row takes."""
VALIDATION_SECONDS, TEST_SECONDS = 1.5, 2.5
"""Seconds after which an evaluation, and scoring the test part, are cut short."""
BATCH_ROWS, BATCH_SECONDS = 512, 8.0
"""Rows that are evaluated at once, and so in any case where they do not take longer than that: fewer cost more each."""

FLOOR_SECONDS = 40.0
"""Seconds from which on a floor is fitted to a part of the rows: what is told then may be half as much again as it takes."""
FLOOR_PART, LEAST_FLOOR_ROWS, WARM_UP_ROWS = 8, 1_000, 100
"""One of so many rows, where that leaves enough to tell how long all of them take, and rows to which it is fitted first."""


@dataclass(frozen=True)
class Lighter:
    """What a trial is made on.

    Attributes:
        plan: Of the training, with as many rows for calibration as there are left.
        data: With fewer validation rows, or as they were.
        share: Of the validation rows that are left.
    """

    plan: Plan
    data: Data
    share: float = 1.0

    def shorten(self, problem: Problem, *, per_row: float) -> dict[str, float]:
        """Leave test rows out where scoring them would take long.

        Args:
            problem: Of the trial, in which it is decided what leaves.
            per_row: Seconds that the network takes for a row, without its mirror image.

        Returns:
            Seconds that deciding and scoring would take longer with all rows.
        """
        mirrors, test = problem.mirroring, problem.test
        answering = per_row * (2 if mirrors is not None and mirrors.is_on else 1)
        answering += problem.beside.per_row if isinstance(problem.beside, Beside) else 0.0
        deciding = answering + per_row * (0 if mirrors is None else mirrors.passes)
        missing = round(len(problem.validation) * (1 / self.share - 1))
        untested = 0
        if test is not None and per_row:
            problem.test = test.some(_rows_in(TEST_SECONDS, per_row=answering))
            untested = len(test) - len(problem.test)
        return {"deciding": missing * deciding, "scoring": (missing + untested) * answering}


def lighter(plan: Plan, data: Data, composed: Composed) -> Lighter:
    """Return what to make a trial on, by how long some validation rows take.

    Args:
        plan: Of the training.
        data: Its data.
        composed: The training, built and not begun.
    """
    whole = composed.problem.validation
    # A time budget plans its steps by what evaluations take.
    if plan.time_seconds or not isinstance(data, RowsData) or len(whole) <= FEW_ROWS:
        return Lighter(plan, data)
    few, task = whole.some(FEW_ROWS), composed.state.task
    few(task)  # the first one is not like the others
    began = time.monotonic()
    few(task)
    share = _rows_in(VALIDATION_SECONDS, per_row=(time.monotonic() - began) / len(few)) / len(whole)
    if share >= 1:
        return Lighter(plan, data)
    validation = data.validation.some(max(round(share * len(data.validation)), 1))
    share = len(validation) / len(data.validation)
    kept = max(round(share * plan.calibration_rows), 1) if plan.calibration_rows else 0
    return Lighter(plan.model_copy(update={"calibration_rows": kept}), replace(data, validation=validation), share)


def fit_floor(beside: Companion, watch: Stopwatch, *, is_tried: bool) -> None:
    """Fit the floor beside a network; in a trial to a part of the rows, where all of them take long.

    Args:
        beside: The floor.
        watch: Takes what fitting to all rows takes.
        is_tried: Whether it is a trial.
    """
    rows = len(beside.data.train) if is_tried and isinstance(beside, Beside) and not beside.floor.needs_lens else 0
    part = rows // FLOOR_PART
    if isinstance(beside, Beside) and part >= LEAST_FLOOR_ROWS:
        seconds = []
        for count in (WARM_UP_ROWS, part // 2, part):
            beside.fit(count)
            seconds.append(watch.lap("probe"))
        # What does not depend on the rows is in both.
        each = max(seconds[2] - seconds[1], 0.0) / (part - part // 2)
        whole = seconds[2] + each * (rows - part)
        if whole > FLOOR_SECONDS:
            watch.add("floor", whole)
            return
    beside.fit()
    watch.lap("floor")


def _rows_in(seconds: float, *, per_row: float) -> int:
    """Return how many rows are evaluated in so many seconds; a whole batch where that takes a little longer."""
    each = max(per_row, 1e-9)
    return max(int(seconds / each), min(BATCH_ROWS, int(BATCH_SECONDS / each)), 1)
