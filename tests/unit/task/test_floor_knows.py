"""A floor has learned from the validation rows that early stopping watched, where all rows it learned from are few."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tutelage.task.calibration import floor_knows


class Rows:
    """So many rows of which some can be taken."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def take(self, numbers: np.ndarray, *, name: str = "") -> "Rows":
        return Rows(len(numbers))


@pytest.mark.parametrize(
    ("train", "validation", "apart", "known"),
    [(4_000, 900, 0, True), (4_000, 1_200, 0, False), (3_500, 2_000, 1_000, True), (3_500, 4_000, 1_000, False)],
)
def test_rows_kept_for_calibration_do_not_count(train: int, validation: int, apart: int, known: bool) -> None:
    plan: Any = SimpleNamespace(calibration_rows=apart, seed=0)
    parts: Any = Rows(train), Rows(validation)
    assert floor_knows(plan, *parts) == known
