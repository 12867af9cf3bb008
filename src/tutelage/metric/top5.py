"""Top-5 accuracy: the share of samples whose right class is among the five most probable; 0 to 1.

Meant for many classes; it is 1 by definition with five or fewer.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form, Outcome
from tutelage.metric.weighted import ProportionMetric

__all__ = ["TopFive"]

TOP = 5


class TopFive(ProportionMetric):
    """Share of samples with the right class among the first five."""

    kind: Literal["top5"] = "top5"
    title: ClassVar[str] = "top-5 accuracy"
    form: ClassVar[Form] = "percent"

    def hits(self, outcome: Outcome) -> np.ndarray:
        """Return bool [N]; of equal probabilities the lower class number ranks first, as in `accuracy`."""
        probability_NC, target_N1 = outcome.prediction, outcome.target[:, None]
        right_N1 = np.take_along_axis(probability_NC, target_N1, axis=1)
        tied_before_NC = (probability_NC == right_N1) & (np.arange(probability_NC.shape[1]) < target_N1)
        ahead_N: np.ndarray = ((probability_NC > right_N1) | tied_before_NC).sum(1)
        return ahead_N < TOP

    def refusal(self, num_classes: int | None) -> str:
        """Refuse so few classes that every sample counts."""
        if num_classes is None or num_classes > TOP:
            return ""
        return f"with {num_classes} classes every answer is among the first {TOP}: it would always be 1. Take accuracy."
