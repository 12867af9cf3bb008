"""What a model answers for rows of data: a label or a number for each, probabilities, and what is worth telling of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tutelage.core.errors import DataProblem

__all__ = ["Prediction"]


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
    """

    names: tuple[str, ...]
    labels: list[Any]
    probabilities: np.ndarray | None
    classes: tuple[Any, ...]
    problems: tuple[DataProblem, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def records(self) -> list[dict[str, Any]]:
        """Return one record per row: its name, the prediction, and the probability of each class."""
        rows: list[dict[str, Any]] = []
        for i, name in enumerate(self.names):
            row: dict[str, Any] = {"row": name, "prediction": self.labels[i]}
            if self.probabilities is not None:
                row |= {f"p({name})": round(float(p), 6) for name, p in zip(self.classes, self.probabilities[i], strict=True)}
            rows.append(row)
        return rows
