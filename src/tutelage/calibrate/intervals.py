"""Conformal intervals: for each row two numbers between which the true one is, with a stated probability.

Errors of held-out rows, divided by their usual size for predictions of about that value, give the ends: below and above by
themselves, so that a model that errs to one side has lopsided intervals, and each quantile is told honestly.

Source: "Distribution-Free Predictive Inference for Regression", Lei et al. 2018, arXiv 1604.04173, section 5.2 (normalized
scores); "Accurate Uncertainties for Deep Learning Using Calibrated Regression", Kuleshov et al. 2018, arXiv 1807.00263.
Differs from the papers: the usual size of errors depends on the prediction alone, by straight lines between means of eighths.

Shape letters: N rows, K places.
"""

import math
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from tutelage.calibrate.conformal import MOST_ROWS, Conformal, some_rows, too_few
from tutelage.core.errors import UsageError
from tutelage.core.seeds import derive
from tutelage.core.typed import Finite, Positive

__all__ = ["ConformalIntervals"]

NUM_PLACES = 8
LEAST_ROWS = 200
"""Rows from which on half of them tell the usual size of errors; with fewer it is the same everywhere."""
LEAST_SPREAD = 0.1
"""Share of the mean size of errors that their size has everywhere, at least."""
SPLIT = "split"


class ConformalIntervals(Conformal):
    """Sorted errors of held-out rows, in units of their usual size."""

    answers: ClassVar[str] = "numbers"
    methods: ClassVar[tuple[str, ...]] = (SPLIT,)
    form: Literal["intervals"] = "intervals"
    places: Annotated[tuple[Finite, ...], Field(max_length=NUM_PLACES)] = Field(
        (), description="Predictions, rising, for which the usual size of errors is known."
    )
    spreads: Annotated[tuple[Positive, ...], Field(max_length=NUM_PLACES)] = Field(
        (), description="That size, in the target's unit; straight lines between them."
    )
    errors: Annotated[tuple[Finite, ...], Field(max_length=MOST_ROWS)] = Field(
        (), description="Truth minus prediction, divided by the usual size, rising."
    )

    @model_validator(mode="after")
    def _fits(self) -> "ConformalIntervals":
        """Refuse numbers that do not belong together."""
        if len(self.places) != len(self.spreads) or sorted(set(self.places)) != list(self.places) or not self.places:
            raise ValueError(f"{len(self.places)} places and {len(self.spreads)} spreads: expected rising places, a spread each")
        if sorted(self.errors) != list(self.errors):
            raise ValueError("errors: expected rising numbers")
        return self

    @classmethod
    def of(cls, prediction: np.ndarray, target: np.ndarray, *, seed: int) -> Self:
        """Score held-out rows by the numbers that leave for them."""
        order = np.random.default_rng(derive(seed, "halves for intervals")).permutation(len(target))
        scale, rest = (order[::2], order[1::2]) if len(target) >= LEAST_ROWS else (order[:0], order)
        places, spreads = _spreads(prediction[scale], (target - prediction)[scale])
        rest = rest[some_rows(len(rest), seed=seed)]
        found = cls(places=places, spreads=spreads)
        scored = np.sort((target - prediction)[rest] / found.spread(prediction[rest]))
        return cls(places=places, spreads=spreads, errors=tuple(scored.tolist()))

    def spread(self, prediction: np.ndarray) -> np.ndarray:
        """Return the usual size of errors for predictions [N]."""
        return np.asarray(np.interp(prediction, self.places, self.spreads))

    @classmethod
    def rows_needed(cls, coverage: float) -> int:
        """Return how many held-out rows have to be scored for such a coverage, at least."""
        return math.ceil(2 / (1 - coverage) - 1e-9) - 1

    def around(self, prediction: np.ndarray, *, coverage: float, method: str = SPLIT) -> np.ndarray:
        """Return the ends of each row's interval, float64 [N, 2], in the target's unit.

        Raises:
            UsageError: There is no such method, or too few rows were scored.
        """
        if method not in self.methods:
            raise UsageError(f"intervals by {method!r}: unknown. Known: {', '.join(self.methods)}.")
        rows, tail = len(self.errors), (1 - coverage) / 2
        below, above = math.floor((rows + 1) * tail + 1e-9), math.ceil((rows + 1) * (1 - tail) - 1e-9)
        if below < 1 or above > rows:
            raise too_few(coverage, found=rows, needed=self.rows_needed(coverage), most=max(0, rows - 1) / (rows + 1))
        ends = np.array([self.errors[below - 1], self.errors[above - 1]])
        return np.asarray(prediction[:, None] + self.spread(prediction)[:, None] * ends)


def _spreads(prediction: np.ndarray, error: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return places and the mean size of errors around each; (0) and (1) without rows."""
    whole = float(np.abs(error).mean()) if len(error) else 0.0
    if not whole > 0:
        return (0.0,), (1.0,)
    found: dict[float, float] = {}
    for rows in np.array_split(np.argsort(prediction, kind="stable"), NUM_PLACES):
        found[float(prediction[rows].mean())] = max(float(np.abs(error[rows]).mean()), LEAST_SPREAD * whole)
    return tuple(sorted(found)), tuple(found[place] for place in sorted(found))
