"""What a model answers for rows of data: a label or a number for each, probabilities, and what is worth telling of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutelage.core.errors import DataProblem
from tutelage.planning.plan import Plan
from tutelage.predictor.predictor import Predictor

__all__ = ["Prediction", "require_sets", "sets_of"]

ENDS = ("low", "high")
"""What the ends of an interval are called."""


@dataclass(frozen=True)
class Prediction:
    """Answers for some rows.

    Attributes:
        names: Each row as people know it, such as `cats/cat.1.jpg`.
        labels: Predicted class names, or numbers in the target's unit.
        probabilities: float64 [N, C], or None for numbers.
        classes: Names of the columns of `probabilities`.
        problems: Rows that could not be read, which are not among the others.
        notes: How the rows were read, where that is worth telling.
        warnings: Rows for which an answer says little, such as empty texts.
        sets: For each row the classes, or the ends of the interval, that hold the truth with a stated probability; None where
            nobody asked.
    """

    names: tuple[str, ...]
    labels: list[Any]
    probabilities: np.ndarray | None
    classes: tuple[Any, ...]
    problems: tuple[DataProblem, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sets: list[list[Any]] | None = None

    def records(self) -> list[dict[str, Any]]:
        """Return one record per row: its name, the prediction, and the probability of each class."""
        rows: list[dict[str, Any]] = []
        for i, name in enumerate(self.names):
            row: dict[str, Any] = {"row": name, "prediction": self.labels[i]}
            if self.probabilities is not None:
                row |= {f"p({name})": round(float(p), 6) for name, p in zip(self.classes, self.probabilities[i], strict=True)}
            if self.sets is not None:
                row |= {"set": self.sets[i]} if self.probabilities is not None else dict(zip(ENDS, self.sets[i], strict=True))
            rows.append(row)
        return rows


def require_sets(predictor: Predictor, result: Mapping[str, Any], plan: Plan, *, coverage: float, method: str) -> list[str]:
    """Refuse sets or intervals that cannot be given, before rows are answered, and return what is worth telling of the others.

    Args:
        predictor: As of `sets_of`, and the errors too.
        result: Says which rows were scored.
        plan: Says it where the result does not.
        coverage: As of `sets_of`.
        method: As of `sets_of`.
    """
    classes = predictor.target.classes if predictor.target is not None else ()
    predictor.around(np.empty((0, len(classes)) if classes else 0), coverage=coverage, method=method)
    told = result.get("calibration")
    if told.get("is_apart", True) if isinstance(told, Mapping) else plan.calibration_rows:
        return []
    few = "the held-out rows that were scored are few, and chose the weights too, so the truth may be outside a little more often"
    return [f"{few} than told. For the coverage as told: tutelage calibrate RUN --data SOURCE, with rows that it has not seen"]


def sets_of(predictor: Predictor, answers: np.ndarray, *, coverage: float, method: str) -> list[list[Any]]:
    """Return for each row the classes in its set, or the ends of its interval.

    Args:
        predictor: Has the scores of held-out rows.
        answers: What it answers for the rows, [N, C] or [N].
        coverage: How often a set holds the truth.
        method: How sets are made; "" = the usual way.
    """
    classes = predictor.target.classes if predictor.target is not None else ()
    found = predictor.around(answers, coverage=coverage, method=method)
    if not classes:
        return [[float(end) for end in ends] for ends in found]
    return [[classes[number] for number in np.flatnonzero(inside)] for inside in found]
