"""What conformal sets and intervals share: a bound that a stated share of new rows keeps, whatever the model.

Held-out rows, and new rows like them, are scored by how badly an answer fits; a new row's score is then as likely to have any
place among the held-out ones as any other. Nothing is said of rows that come from elsewhere.

Source: "A Gentle Introduction to Conformal Prediction and Distribution-Free Uncertainty Quantification", Angelopoulos and Bates
2021, arXiv 2107.07511, section 1.
Differs from the source: none.
"""

import math
from typing import Any, ClassVar, Self

import numpy as np

from tutelage.core.errors import UsageError
from tutelage.core.seeds import derive
from tutelage.core.spec import Spec

__all__ = ["MOST_ROWS", "Conformal", "some_rows", "too_few", "upper_bound"]

MOST_ROWS = 2_000
"""Held-out rows whose scores are kept, at most; of more, a random choice: its guarantee is the same."""


class Conformal(Spec):
    """Scores of held-out rows, from which sets or intervals with a stated coverage are made."""

    answers: ClassVar[str]
    """The kind of answers that it is for, as a task says it."""
    methods: ClassVar[tuple[str, ...]] = ()
    """Ways of making them, the usual one first."""

    @classmethod
    def of(cls, prediction: np.ndarray, target: np.ndarray, *, seed: int) -> Self:
        """Score held-out rows.

        Args:
            prediction: What leaves for them: probabilities float64 [N, C], or numbers float64 [N] in the user's unit.
            target: The truth: class numbers int64 [N], or float64 [N].
            seed: What a random choice of rows follows.
        """
        raise NotImplementedError

    @classmethod
    def rows_needed(cls, coverage: float) -> int:
        """Return how many held-out rows have to be scored for such a coverage, at least."""
        raise NotImplementedError

    def around(self, prediction: np.ndarray, *, coverage: float, method: str) -> np.ndarray:
        """Return bool [N, C], which classes are in each row's set; or float64 [N, 2], the ends of each row's interval.

        Raises:
            UsageError: The rows that were scored are too few for such a coverage.
        """
        raise NotImplementedError

    def record(self) -> dict[str, Any]:
        """Return JSON values."""
        return self.model_dump(mode="json")


def some_rows(num_rows: int, *, seed: int) -> np.ndarray:
    """Return the numbers of the rows that are kept, ascending."""
    if num_rows <= MOST_ROWS:
        return np.arange(num_rows)
    chosen = np.random.default_rng(derive(seed, "conformal rows")).choice(num_rows, MOST_ROWS, replace=False)
    return np.sort(chosen)


def upper_bound(score_N: np.ndarray, coverage: float) -> float:
    """Return what a new row's score does not exceed with at least this probability; infinity for too few rows."""
    rank = math.ceil((len(score_N) + 1) * coverage - 1e-9)
    return float("inf") if rank > len(score_N) else float(np.sort(score_N)[rank - 1])


def too_few(coverage: float, *, found: int, needed: int, most: float) -> UsageError:
    """Return what to raise where held-out rows are too few; `most` is the coverage that so many could give."""
    return UsageError(
        f"coverage {coverage:g} needs the scores of at least {needed:,} held-out rows, and this model has {found:,}. "
        f"Ask for {math.floor(1_000 * most) / 1_000:g} or less, or give it more: tutelage calibrate RUN --data SOURCE."
    )
