"""The confusion matrix: how often each class was taken for each other."""

import numpy as np

from tutelage.metric.base import Outcome

__all__ = ["confusion"]


def confusion(outcome: Outcome) -> np.ndarray:
    """Return float64 [C, C]: weight of the samples of each true class (row) by predicted class (column)."""
    classes = outcome.prediction.shape[1]
    cell_N = outcome.target * classes + outcome.prediction.argmax(1)
    counts = np.bincount(cell_N, weights=outcome.weight, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.float64)
