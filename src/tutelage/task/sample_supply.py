"""Whether data are enough to learn a generator from: too few rows, or rows that are all alike, are told before training."""

import math
from collections.abc import Mapping

import torch

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.rows.base import Rows
from tutelage.metric.neighbors import USUAL_NEIGHBORS
from tutelage.task.parts import FEWEST_ROWS

__all__ = ["few_to_measure", "refuse_alike", "refuse_few"]

FIRST_LOOK, GROWTH = 2, 4
"""Rows that are compared at once, and how many times more the next time: nearly always the first two differ."""
LEAST_HOPED = 50
"""Rows of which a part of 12 % can be measured."""


def refuse_few(count: int, *, name: str) -> None:
    """Refuse so few rows that none can be kept apart.

    Raises:
        DataError: There are fewer than four.
    """
    if count < FEWEST_ROWS:
        found = f"{count} row{'s are' if count != 1 else ' is'} too few to learn a generator from, and to measure it by others"
        raise DataError([DataProblem(name, found, f"Give at least {LEAST_HOPED}, better hundreds.")])


def refuse_alike(rows: Rows, *, name: str) -> None:
    """Refuse rows that are all the same once they are prepared.

    Raises:
        DataError: There is no second one.
    """
    first = rows.take(torch.tensor([0]))
    start, size = 0, FIRST_LOOK
    while start < len(rows):
        some = rows.take(torch.arange(start, min(start + size, len(rows))))
        if any(not torch.equal(value, first[key].expand_as(value)) for key, value in some.items()):
            return
        start, size = start + size, size * GROWTH
    found = f"all {len(rows):,} rows are the same: there is one sample to make, and nothing to learn"
    raise DataError([DataProblem(name, found, "Give rows that differ, or copy this one.")])


def few_to_measure(sizes: Mapping[str, int]) -> tuple[str, ...]:
    """Tell which parts are too small for measures of neighbors, and how many rows would do.

    Args:
        sizes: Rows of each part, by name; 0 where there is none.
    """
    least, told = USUAL_NEIGHBORS + 1, []
    for part in ("validation", "test"):
        count = sizes.get(part, 0)
        if 0 < count < least:
            wanted = math.ceil(sum(sizes.values()) * least / count)
            effect = (
                "so no score chooses the best weights" if part == "validation" else "so nothing says how good the samples are"
            )
            told.append(
                f"the {part} part has {count} row{'s' * (count != 1)}: too few to measure coverage, density, precision and "
                f"recall (at least {least}), {effect}. "
                f"Give about {wanted:,} rows in all, or a larger part: --set split.{part}=..."
            )
    return tuple(told)
