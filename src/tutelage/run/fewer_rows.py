"""A trial that evaluates fewer held-out rows, where all of them take long: what the others take is added to what was measured."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from tutelage.core.memory import memory_told
from tutelage.planning.plan import Plan
from tutelage.run.compose import Composed
from tutelage.task.base import Data, Problem
from tutelage.task.beside import is_refitted
from tutelage.task.protocols import Evaluator

__all__ = ["FewerRows", "leave_rows_out"]

FEW_ROWS, BATCH_ROWS = 64, 512
"""Rows that are evaluated to see how long one takes: these, and a whole batch where that is soon done."""
SOON_SECONDS = 2.0
VALIDATION_SECONDS, TEST_SECONDS = 1.5, 2.5
"""Seconds after which an evaluation, and scoring the test part, are cut short."""
BATCH_SECONDS = 8.0
"""A batch is evaluated in any case where it does not take longer: rows of smaller ones cost more each."""


@dataclass(frozen=True)
class FewerRows:
    """Which held-out rows a trial leaves out.

    Attributes:
        plan: By which the trial is built: of its rows as large a share is kept for calibration as of all.
        data: With fewer validation rows, or as they were.
        per_row: Seconds that the network takes for a row; 0 where that is not known, and nothing is left out.
        watched: Rows left out of those that early stopping watches.
        held: Rows left out of those that are kept apart for calibration.
    """

    plan: Plan
    data: Data
    per_row: float = 0.0
    watched: int = 0
    held: int = 0

    @property
    def evaluation_seconds(self) -> float:
        """What an evaluation of all rows takes longer."""
        return self.watched * self.per_row

    def shorten_test(self, problem: Problem) -> Mapping[str, float]:
        """Leave test rows out where scoring them would take long.

        Args:
            problem: Of the trial, in which it is decided what leaves.

        Returns:
            Seconds that parts of the run would take longer with all rows.
        """
        if not self.per_row:
            return {}
        mirrors, floor, test, untested = problem.mirroring, problem.beside, problem.test, 0
        answering = self.per_row * (2 if mirrors is not None and mirrors.is_on else 1)
        answering += 0.0 if floor is None else floor.per_row
        # The floor is chosen by the watched rows, and calibrators are fitted to them unless others are kept apart for that.
        is_asked = floor is not None or not self.held
        deciding = self.per_row * (0 if mirrors is None else mirrors.passes) + (answering if is_asked else 0.0)
        if test is not None:
            problem.test = test.some(_rows_in(TEST_SECONDS, per_row=answering))
            untested = len(test) - len(problem.test)
        return {
            "deciding": self.watched * deciding + self.held * answering,
            "scoring": (self.watched + untested) * answering,
        }


def leave_rows_out(plan: Plan, data: Data, composed: Composed) -> FewerRows:
    """Return which rows a trial leaves out, by how long some validation rows take.

    Args:
        plan: Of the training.
        data: Its data.
        composed: The training, built and not begun.
    """
    validation, num_validation = composed.problem.validation, data.sizes.get("validation", 0)
    # A time budget plans its steps by what evaluations take, and a student's teachers would be asked twice.
    if plan.time_seconds or plan.distill is not None or not FEW_ROWS < len(validation) <= num_validation:
        return FewerRows(plan, data)
    per_row = _seconds_per_row(validation, composed)
    share = _rows_in(VALIDATION_SECONDS, per_row=per_row) / len(validation)
    kept = max(round(share * plan.calibration_rows), 1) if plan.calibration_rows else 0
    shorter = data.with_validation(max(round(share * num_validation), 1)) if share < 1 else data
    left = shorter.sizes.get("validation", 0)
    # What is left may not make the floor learn from the validation rows too, where the training's does not.
    rows = plan.num_train, num_validation - plan.calibration_rows
    if left == num_validation or is_refitted(*rows) != is_refitted(plan.num_train, left - kept):
        return FewerRows(plan, data, per_row)
    held = plan.calibration_rows - kept
    trial = plan.model_copy(update={"calibration_rows": kept})
    return FewerRows(trial, shorter, per_row, watched=num_validation - left - held, held=held)


@memory_told("evaluating some validation rows")
def _seconds_per_row(validation: Evaluator, composed: Composed) -> float:
    """Return what the network takes for a row, in a batch of the usual size where that does not take long."""
    few, task = validation.some(FEW_ROWS), composed.state.task
    few(task)  # the first one is not like the others
    seconds, rows = _timed(few, composed), len(few)
    if seconds * BATCH_ROWS / rows < SOON_SECONDS:
        few = validation.some(BATCH_ROWS)
        seconds, rows = _timed(few, composed), len(few)
    return seconds / rows


def _timed(evaluator: Evaluator, composed: Composed) -> float:
    """Return the seconds of an evaluation."""
    began = time.monotonic()
    evaluator(composed.state.task)
    return time.monotonic() - began


def _rows_in(seconds: float, *, per_row: float) -> int:
    """Return how many rows are evaluated in so many seconds; a whole batch where that takes a little longer."""
    each = max(per_row, 1e-9)
    return max(int(seconds / each), min(BATCH_ROWS, int(BATCH_SECONDS / each)), 1)
