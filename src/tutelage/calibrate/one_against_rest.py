"""What calibrators by curves share: each class against the rest; where there are two classes, the second alone.

Use them for two classes. Shape letters: N rows, C classes, K curves, one for each class, or one alone of two classes.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from torch import nn

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.odds import OneAgainstRest, curves, log_odds

__all__ = ["CurveCalibrator"]


class CurveCalibrator(Calibrator):
    """Fitted curves over the log odds of classes against the rest; a subclass says how one is fitted, and what it does.

    Attributes:
        least_rows: Held-out rows from which on it is worth trying.
    """

    answers: ClassVar[str] = "classes"
    least_rows: ClassVar[int]

    @classmethod
    def suits(cls, *, num_rows: int, num_classes: int) -> bool:
        """Tell whether there are two classes, and rows enough for its numbers."""
        return num_classes == 2 and num_rows >= cls.least_rows

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Return the curves with the smallest log loss on held-out rows; none where there are no rows."""
        if not len(target):
            return cls()
        own_NK, rest_NK = log_odds(prediction)
        hit_NK = curves(target, num_classes=prediction.shape[1])
        columns = zip(own_NK.T, rest_NK.T, hit_NK.T, strict=True)
        return cls.of([cls.fit_curve(own_N, rest_N, hit_N) for own_N, rest_N, hit_N in columns])

    @classmethod
    def fit_curve(cls, own_N: np.ndarray, rest_N: np.ndarray, hit_N: np.ndarray) -> Any:
        """Return the numbers of one curve.

        Args:
            own_N: Logarithm of the probability that is stated for its class, float64.
            rest_N: The same of all other classes together.
            hit_N: Whether a row is of its class, 0 or 1.
        """
        raise NotImplementedError

    @classmethod
    def of(cls, fitted: Sequence[Any]) -> Self:
        """Return the calibrator with what `fit_curve` returned, for each curve."""
        raise NotImplementedError

    @property
    def num_curves(self) -> int:
        """K; 0 where it changes nothing."""
        raise NotImplementedError

    @property
    def num_classes(self) -> int:
        """For how many classes it was fitted; 0 where it changes nothing."""
        return 2 if self.num_curves == 1 else self.num_curves

    def module(self) -> nn.Module:
        """Return the change of probabilities [B, C]."""
        return OneAgainstRest(self.curve_module()) if self.num_curves else nn.Identity()

    def curve_module(self) -> nn.Module:
        """Return what takes the logarithms of the classes' and of the rest's probability, and returns log odds, all [B, K]."""
        raise NotImplementedError
