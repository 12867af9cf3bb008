"""Conformal sets: for each row the classes among which the true one is, with a stated probability.

`lac` gives the smallest sets; `aps` and `raps` larger ones for hard rows and smaller ones for easy rows; `by_class` keeps the
coverage for each class, also for rare ones. A set holds at least the most probable class: where a model is right more often
than is asked for, sets cover more.

Source: LAC: "Least Ambiguous Set-Valued Classifiers with Bounded Error Levels", Sadinle et al. 2019; APS: "Classification with
Valid and Adaptive Coverage", Romano et al. 2020, arXiv 2006.02544; RAPS: "Uncertainty Sets for Image Classifiers using Conformal
Prediction", Angelopoulos et al. 2021, arXiv 2009.14193; by class: "A Gentle Introduction", arXiv 2107.07511, section 4.2.
Differs from the papers: APS and RAPS count half of a class's own probability in place of a random share, so that equal rows get
equal sets; RAPS has fixed penalties; no set is empty.

Shape letters: N rows, C classes.
"""

import math
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from tutelage.calibrate.conformal import MOST_ROWS, Conformal, some_rows, too_few, upper_bound
from tutelage.core.errors import UsageError

__all__ = ["ConformalSets"]

PENALTY, FREE_RANKS = 0.1, 1
"""Of RAPS: what each further class costs, and how many cost nothing."""
DIGITS = 7
"""Digits of scores behind the point that are kept: as many as a float32 has."""
Score = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Scores = Annotated[tuple[Score, ...], Field(max_length=MOST_ROWS)]
Method = Literal["lac", "aps", "raps", "by_class"]


class ConformalSets(Conformal):
    """Scores of held-out rows for their true classes."""

    answers: ClassVar[str] = "classes"
    methods: ClassVar[tuple[str, ...]] = ("lac", "aps", "raps", "by_class")
    form: Literal["sets"] = "sets"
    lac: Scores = Field((), description="1 minus the probability of the true class.")
    aps: Scores = Field((), description="Probability of all more probable classes, and half of its own.")
    raps: Scores = Field((), description="The same with a penalty for each more probable class.")
    classes: Annotated[tuple[Annotated[int, Field(ge=0, le=2**31)], ...], Field(max_length=MOST_ROWS)] = Field(
        (), description="Number of the true class."
    )

    @model_validator(mode="after")
    def _fits(self) -> "ConformalSets":
        """Refuse scores of different numbers of rows."""
        if len({len(self.lac), len(self.aps), len(self.raps), len(self.classes)}) > 1:
            raise ValueError("lac, aps, raps, classes: expected one of each a row")
        return self

    @classmethod
    def of(cls, prediction: np.ndarray, target: np.ndarray, *, seed: int) -> Self:
        """Score held-out rows by the probabilities that leave for them."""
        rows = some_rows(len(target), seed=seed)
        truth_N1 = target[rows][:, None]
        found = {
            name: _told(np.take_along_axis(score(prediction[rows]), truth_N1, axis=1)[:, 0]) for name, score in SCORES.items()
        }
        return cls(**found, classes=tuple(target[rows].tolist()))

    @classmethod
    def rows_needed(cls, coverage: float) -> int:
        """Return how many held-out rows have to be scored for such a coverage, at least."""
        return math.ceil(coverage / (1 - coverage) - 1e-9)

    def around(self, prediction: np.ndarray, *, coverage: float, method: str = "lac") -> np.ndarray:
        """Return which classes are in each row's set, bool [N, C].

        Raises:
            UsageError: There is no such method, or too few rows were scored.
        """
        if method not in self.methods:
            raise UsageError(f"sets by {method!r}: unknown. Known: {', '.join(self.methods)}.")
        name = "lac" if method == "by_class" else method
        score_NC, kept = SCORES[name](prediction), np.array(getattr(self, name))
        needed = self.rows_needed(coverage)
        if len(kept) < needed:
            raise too_few(coverage, found=len(kept), needed=needed, most=len(kept) / (len(kept) + 1))
        if method == "by_class":
            truth = np.array(self.classes)
            bounds = [upper_bound(kept[truth == number], coverage) for number in range(prediction.shape[1])]
            # A class of too few rows is in every set: nothing is known of it.
            inside: np.ndarray = score_NC <= _raised(np.array(bounds))
        else:
            inside = score_NC <= _raised(np.array(upper_bound(kept, coverage)))
        inside[np.arange(len(inside)), prediction.argmax(axis=1)] = True
        return inside


def _lac(prediction: np.ndarray) -> np.ndarray:
    return 1 - prediction


def _aps(prediction: np.ndarray) -> np.ndarray:
    order = np.argsort(-prediction, axis=1, kind="stable")
    sorted_NC = np.take_along_axis(prediction, order, axis=1)
    score_NC = np.empty_like(prediction)
    np.put_along_axis(score_NC, order, sorted_NC.cumsum(axis=1) - sorted_NC / 2, axis=1)
    return score_NC


def _raps(prediction: np.ndarray) -> np.ndarray:
    rank_NC = np.argsort(np.argsort(-prediction, axis=1, kind="stable"), axis=1)
    return _aps(prediction) + PENALTY * np.maximum(rank_NC + 1 - FREE_RANKS, 0)


SCORES = {"lac": _lac, "aps": _aps, "raps": _raps}
"""How badly each class fits a row, [N, C]."""


def _told(score_N: np.ndarray) -> tuple[float, ...]:
    """Return scores with the digits that are kept."""
    return tuple(np.maximum(score_N, 0).round(DIGITS).tolist())


def _raised(bound: np.ndarray) -> np.ndarray:
    """Return bounds a hair larger, so that rounding the scores leaves none of them out."""
    return np.asarray(bound + 10.0**-DIGITS)
