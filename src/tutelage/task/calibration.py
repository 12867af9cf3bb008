"""What makes a training's answers honest when it has ended: a calibrator, and the scores that sets and intervals are made of.

Both are fitted to held-out rows: to validation rows that early stopping did not see, where there are many; else to those that it
watched. What is calibrated are the answers that leave: the network's, the floor's, or the mean of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.choose import Chosen, choose_calibrator
from tutelage.calibrate.conformal import Conformal
from tutelage.calibrate.restored import conformal_for
from tutelage.core import catalog
from tutelage.core.seeds import derive
from tutelage.metric.base import Outcome
from tutelage.planning.plan import Plan
from tutelage.task.base import Task
from tutelage.task.beside import is_refitted
from tutelage.task.reliability import HEADLINE
from tutelage.task.rows import PreparedPart

__all__ = [
    "Calibration",
    "Honesty",
    "MOST_ROWS",
    "calibration_error",
    "calibration_record",
    "fit_calibration",
    "floor_knows",
    "parted_validation",
]

MOST_ROWS = 10_000
"""Held-out rows that are fitted to, at most: of more, nothing more is learned, and it would take long."""
SECONDS_PER_CELL, SECONDS_AT_LEAST = 2e-6, 0.8
"""What choosing takes at most, by rows * classes * candidates, and what diagrams and intervals take; measured on one core."""


class Leaving(Protocol):
    """Answers for held-out rows as they leave, before they are calibrated."""

    def __len__(self) -> int:
        """Return how many rows there are."""

    def leaving(self, task: Task, network: Outcome | None = None) -> Outcome:
        """Return them beside the truth."""


@dataclass(frozen=True)
class Calibration:
    """What was fitted to some held-out rows.

    Attributes:
        calibrator: None where answers stay as they are.
        conformal: Scores of the answers that leave; None where there are no rows, or none for such answers.
        record: What result.json says of it.
    """

    calibrator: Calibrator | None
    conformal: Conformal | None
    record: dict[str, Any]


def fit_calibration(
    outcome: Outcome, *, answers: str, kinds: Sequence[str], seed: int, is_asked: bool, extra: dict[str, Any] | None = None
) -> Calibration:
    """Choose and fit a calibrator, and score what then leaves.

    Args:
        outcome: Answers for held-out rows before they are calibrated, beside the truth.
        answers: Their kind, as the task says it.
        kinds: Candidates.
        seed: What folds and a random choice of rows follow.
        is_asked: Take the only candidate whatever the numbers say.
        extra: What else the record says.
    """
    outcome = _some(outcome, seed=seed)
    form = conformal_for(answers)
    leaves, calibrator, record = outcome.prediction, None, dict(extra or {})
    if outcome.prediction.ndim == 2 and len(outcome.target):
        found: list[type[Calibrator]] = [catalog.load("calibrator", kind) for kind in kinds]
        chosen = choose_calibrator(outcome.prediction, outcome.target, found, seed=derive(seed, "calibration"), is_asked=is_asked)
        leaves, calibrator = chosen.answers, chosen.calibrator
        record |= calibration_record(outcome, chosen)
    is_scored = form is not None and len(outcome.target) and np.isfinite(leaves).all()
    conformal = form.of(leaves, outcome.target, seed=seed) if form is not None and is_scored else None
    return Calibration(calibrator, conformal, record)


def calibration_record(outcome: Outcome, chosen: Chosen) -> dict[str, Any]:
    """Return what is told of a choice; losses and errors are those of rows that were not fitted to."""
    method = "none" if chosen.calibrator is None else str(getattr(chosen.calibrator, "kind", ""))
    return {
        "method": method,
        "loss_before": chosen.losses[""],
        "loss_after": chosen.losses["" if chosen.calibrator is None else method],
        "ece_before": calibration_error(outcome),
        "ece_after": calibration_error(Outcome(chosen.answers, outcome.target)),
        "rows": len(outcome.target),
        "reason": chosen.reason,
        "losses": {kind or "none": loss for kind, loss in chosen.losses.items()},
    }


def parted_validation(validation: PreparedPart, plan: Plan) -> tuple[PreparedPart, PreparedPart]:
    """Return the validation rows that early stopping watches, and those that calibrators are fitted to: the same where few."""
    if not plan.calibration_rows or plan.calibration_rows >= len(validation):
        return validation, validation
    order = np.random.default_rng(derive(plan.seed, "calibration rows")).permutation(len(validation))
    kept, watched = np.sort(order[: plan.calibration_rows]), np.sort(order[plan.calibration_rows :])
    return validation.take(watched), validation.take(kept, name="calibration")


def floor_knows(plan: Plan, train: PreparedPart, validation: PreparedPart) -> bool:
    """Tell whether a floor that left a training has learned from the validation rows that early stopping watched."""
    return is_refitted(len(train), len(parted_validation(validation, plan)[0]))


@dataclass
class Honesty:
    """The calibration of one training.

    Attributes:
        plan: Names the candidates.
        answers: The kind of answers, as the task says it.
        held: Held-out rows.
        is_apart: Whether early stopping did not see them.
        found: What was fitted; None before the end.
    """

    plan: Plan
    answers: str
    held: Leaving
    is_apart: bool
    found: Calibration | None = field(default=None)

    def fit(self, task: Task, network: Outcome | None = None) -> None:
        """Fit with the weights that leave; the share of the floor has to be decided before.

        Args:
            task: With these weights.
            network: The network's answers for the held-out rows, where somebody has asked for them already.
        """
        self.found = fit_calibration(
            self.held.leaving(task, network),
            answers=self.answers,
            kinds=self.plan.calibrators,
            seed=self.plan.seed,
            is_asked=self.plan.calibrator_asked,
            extra={"is_apart": self.is_apart},
        )

    def apply(self, answers: np.ndarray) -> np.ndarray:
        """Return answers as they leave, [N] or [N, C]; unchanged before anything was fitted."""
        calibrator = self.calibrator()
        return answers if calibrator is None else calibrator.apply(answers)

    def calibrator(self) -> Calibrator | None:
        """Return what travels with the weights."""
        return None if self.found is None else self.found.calibrator

    def conformal(self) -> Conformal | None:
        """Return the scores that travel with the weights."""
        return None if self.found is None else self.found.conformal

    def notes(self) -> tuple[str, ...]:
        """Say what was chosen."""
        record = {} if self.found is None else self.found.record
        if "method" not in record:
            return ()
        told = f"calibration: {record['reason']}. Log loss on {record['rows']:,} held-out rows {record['loss_before']:.4f}"
        return (f"{told} before, {record['loss_after']:.4f} after." if record["method"] != "none" else f"{told}.",)

    def extras(self) -> dict[str, Any]:
        """Return what result.json says of it."""
        record = {} if self.found is None else self.found.record
        return {"calibration": record} if "method" in record else {}

    def reserve_seconds(self, per_row: float) -> float:
        """Return what it takes at the end, given the seconds to evaluate one row."""
        rows = len(self.held)
        classes = max(self.plan.num_outputs, 2)
        fitting = min(rows, MOST_ROWS) * classes * len(self.plan.calibrators) * SECONDS_PER_CELL
        return rows * per_row + (SECONDS_AT_LEAST + fitting if self.plan.calibrators else 0.0)


def _some(outcome: Outcome, *, seed: int) -> Outcome:
    """Return the outcome, or a random part of it where there are more rows than needed."""
    if len(outcome.target) <= MOST_ROWS:
        return outcome
    chosen = np.random.default_rng(derive(seed, "rows to calibrate")).choice(len(outcome.target), MOST_ROWS, replace=False)
    return Outcome(outcome.prediction[np.sort(chosen)], outcome.target[np.sort(chosen)])


def calibration_error(outcome: Outcome) -> float:
    """Return the debiased calibration error; NaN without rows."""
    return float(catalog.load("metric", HEADLINE)().compute(outcome))
