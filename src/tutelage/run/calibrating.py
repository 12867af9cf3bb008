"""A finished run calibrated anew: on its own held-out rows, or on others with labels; the predictor is written in place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tutelage.calibrate.choose import LEAST_ROWS, log_losses
from tutelage.calibrate.restored import conformal_for
from tutelage.core import catalog, layout
from tutelage.core.errors import RunError, UsageError
from tutelage.core.json_values import json_values
from tutelage.core.manifest import Manifest
from tutelage.data.part.base import RowsPart
from tutelage.data.rows.base import Rows
from tutelage.metric.base import Outcome
from tutelage.planning.plan import Plan
from tutelage.predictor.predictor import Predictor
from tutelage.run.ending import ENDED, state_of
from tutelage.run.lock import locked
from tutelage.task.base import Data
from tutelage.task.calibration import Calibration, calibration_error, fit_calibration, floor_knows, parted_validation
from tutelage.task.rows import RowsData
from tutelage.training.calibrating import suited_calibrators

__all__ = ["Calibrating", "answered", "held_out", "require_calibrated"]

LATER = (
    "calibrated after training: the metrics told are those of the answers before that. Measure anew: tutelage evaluate RUN SOURCE"
)


BEGUN = (
    "a calibration was begun and not finished: the scores told here may not be those of the model that is there. Calibrate anew: "
    "tutelage calibrate RUN"
)


FEWER = (
    "{source}: {rows:,} rows, where {before:,} were fitted to before: intervals and probabilities rest on less now. Back to "
    "those of the training: tutelage calibrate {folder}"
)


@dataclass(frozen=True)
class Calibrating:
    """What is wished of a calibration.

    Attributes:
        folder: The run folder.
        plan: The run's.
        predictor: Its model as it is.
        method: `auto`, `none`, or a calibrator's kind.
    """

    folder: Path
    plan: Plan
    predictor: Predictor
    method: str = "auto"

    def fit(self, outcome: Outcome, *, source: str, is_apart: bool, is_new: bool, result: dict[str, Any]) -> dict[str, Any]:
        """Fit to held-out answers, write the predictor and the result, and return what result.json says of it.

        Args:
            outcome: Answers without a calibrator, beside the truth.
            source: Where these rows come from, in words.
            is_apart: Whether these rows did not choose the weights.
            is_new: Whether the calibrator that is there was not fitted to them either.
            result: What result.json said before.

        Raises:
            RunError: Another process owns the run, or there are too few rows.
        """
        task, seed = self.plan.task, self.plan.seed
        classes = len(self.predictor.target.classes) if self.predictor.target is not None else 0
        kinds = self._kinds(len(outcome.target), classes)
        _require_enough(outcome, source, is_auto=self.method == "auto", has_classes=bool(classes))
        found = fit_calibration(
            outcome,
            answers=task.answers,
            kinds=kinds,
            seed=seed,
            is_asked=self.method != "auto",
            extra={"is_apart": is_apart, "is_later": True, "source": source},
        )
        if self.method == "auto" and is_new:
            found = self._against_present(outcome, found)
        record = {"method": "none", "rows": len(outcome.target), **found.record}
        # Of numbers the training keeps no record of its own, but the errors that intervals follow from.
        before = int((result.get("calibration") or {}).get("rows") or len(getattr(self.predictor.conformal, "errors", ())))
        if record["rows"] < before:
            record["warning"] = FEWER.format(source=source, rows=record["rows"], before=before, folder=self.folder)
        predictor = replace(self.predictor.calibrated(found.calibrator), conformal=found.conformal)
        with locked(self.folder):
            self._write(predictor, result, record)
        return record

    def _against_present(self, outcome: Outcome, found: Calibration) -> Calibration:
        """Return what was found, or the calibrator that is there where nothing found is better on rows that it has not seen."""
        present = self.predictor.calibrator
        if present is None or outcome.prediction.ndim != 2:
            return found
        if not np.isfinite(outcome.prediction).all():
            return replace(found, calibrator=present)  # nothing can be told of them, so nothing is taken away
        leaves = present.apply(outcome.prediction)
        loss, error = float(log_losses(leaves, outcome.target).mean()), calibration_error(Outcome(leaves, outcome.target))
        record = {**found.record, "loss_before": loss, "ece_before": error}
        kind = str(getattr(present, "kind", ""))
        if loss > found.record["loss_after"]:
            gone = f"; the {kind} of before is worse on these rows" if found.calibrator is None else ""
            return replace(found, record={**record, "reason": f"{record['reason']}{gone}"})
        form = conformal_for(self.plan.task.answers)
        conformal = None if form is None else form.of(leaves, outcome.target, seed=self.plan.seed)
        reason = f"{kind}, as before: nothing that was fitted to these rows is better"
        record |= {"method": kind, "loss_after": loss, "ece_after": error, "reason": reason}
        return Calibration(present, conformal, record)

    def _kinds(self, num_rows: int, num_classes: int) -> Sequence[str]:
        """Return the candidates."""
        if self.method == "auto":
            return suited_calibrators(
                self.plan.task, num_rows=num_rows, num_classes=num_classes, keeps_decisions=bool(self.plan.class_weights)
            )
        return () if self.method == "none" else (self.method,)

    def _write(self, predictor: Predictor, result: dict[str, Any], calibration: dict[str, Any]) -> None:
        """Write predictor and result durably, each announced in the manifest; the result says until then that it may not fit."""
        path, manifest = self.folder / layout.BEST / layout.PREDICTOR, Manifest(self.folder)
        told = [text for text in result.get("warnings") or () if text not in (LATER, BEGUN)]
        manifest.put_json(layout.RESULT, json_values({**result, "warnings": [*told, BEGUN]}), state=ENDED)
        predictor.save(path, announce=lambda seal: manifest.announcing(path, seal=seal))
        record = {**result, "calibration": calibration, "warnings": [*told, LATER]}
        manifest.put_json(layout.RESULT, json_values(record), state=ENDED)


def _require_enough(outcome: Outcome, source: str, *, is_auto: bool, has_classes: bool) -> None:
    """Refuse rows that say nothing.

    Raises:
        RunError: There are too few, or all of one class.
    """
    count, least = len(outcome.target), LEAST_ROWS if is_auto and has_classes else 2
    if count < least:
        named = ", or name a method (--method)" if least > 2 else ""
        raise RunError(
            f"{source}: {count} rows are too few to calibrate by, {least} are needed. Nothing was changed. Give more{named}."
        )
    if has_classes and (outcome.target == outcome.target[0]).all():
        raise RunError(f"{source}: all {count} rows are of one class, so nothing can be told of the others. Nothing was changed.")


def require_calibrated(folder: Path, plan: Plan, result: dict[str, Any], method: str) -> None:
    """Refuse runs that have not ended, and methods that do not fit.

    Raises:
        RunError: The run has not ended, or its answers are of a kind that is not calibrated.
        UsageError: There is no such method.
    """
    task, kind = plan.task, getattr(plan.task, "kind", "")
    if "calibrate" not in task.uses:
        raise RunError(f"{folder}: what a model of task {kind!r} answers ({task.answers}) is not calibrated.")
    if not result or state_of(result.get("stopped")) != ENDED:
        raise RunError(f"{folder}: the run has not ended. Finish it: tutelage resume {folder}")
    fitting = [name for name in catalog.names("calibrator") if catalog.load("calibrator", name).answers == task.answers]
    known = ["auto", "none", *fitting]
    if method not in known:
        near = catalog.suggest(method, known)
        raise UsageError(
            f"method {method!r} is not for a model that answers with {task.answers}{near} Known: {', '.join(known)}."
        )


def held_out(folder: Path, plan: Plan, predictor: Predictor, data: Data) -> tuple[Outcome, str, bool]:
    """Return a model's answers without a calibrator for its run's held-out rows, what these are, and if they chose no weights.

    Raises:
        RunError: The floor that leaves has learned from these rows.
    """
    assert isinstance(data, RowsData)
    watched, held = parted_validation(data.validation, plan)
    if predictor.companion is not None and held is watched and floor_knows(plan, data.train, data.validation):
        kind = getattr(predictor.companion.floor, "kind", "")
        raise RunError(
            f"{folder}: the floor ({kind}) has learned from the validation rows, once they had decided, so they are no longer "
            f"held out. The calibration of the training was fitted before that. For another: --data SOURCE with labels."
        )
    assert held.truth is not None
    said = f"{len(held):,} validation rows" + (" that did not choose the weights" if held is not watched else "")
    return answered(predictor, held.part, held.rows, held.truth), said, held is not watched


def answered(predictor: Predictor, part: RowsPart, rows: Rows, truth: np.ndarray) -> Outcome:
    """Return a model's answers without a calibrator beside the truth [N]."""
    found = [answers for _, answers in predictor.calibrated(None).batches(part, rows)]
    return Outcome(np.concatenate(found), truth)
