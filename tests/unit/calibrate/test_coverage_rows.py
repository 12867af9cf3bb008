"""How many held-out rows a coverage needs is told beforehand as it is asked for afterwards."""

from typing import Any

import numpy as np
import pytest

from tutelage.calibrate.intervals import ConformalIntervals
from tutelage.calibrate.sets import ConformalSets
from tutelage.core.errors import UsageError


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("kind", [ConformalSets, ConformalIntervals])
def test_so_many_rows_are_enough_and_one_fewer_is_not(kind: type[Any], coverage: float) -> None:
    random, needed = np.random.default_rng(0), kind.rows_needed(coverage)

    def around(rows: int) -> None:
        if kind is ConformalSets:
            found = kind.of(random.dirichlet([1, 1, 1], rows), random.integers(0, 3, rows), seed=0)
            found.around(random.dirichlet([1, 1, 1], 4), coverage=coverage)
        else:
            found = kind.of(random.normal(size=rows), random.normal(size=rows), seed=0)
            found.around(random.normal(size=4), coverage=coverage)

    around(needed)
    if needed > 1:
        with pytest.raises(UsageError, match=f"at least {needed}"):
            around(needed - 1)
