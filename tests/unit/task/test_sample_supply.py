"""Data of which no generator can be learned, or measured, are told before training."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tutelage.core.errors import DataError
from tutelage.planning.recipe import Recipe
from tutelage.run.collect import collect, gather
from tutelage.task.generate import Generate

POINTS = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)


def warnings(data: object) -> str:
    """Return what is warned of before a generator learns from some data."""
    recipe = Recipe(task=Generate())
    return "\n".join(gather(recipe, collect(recipe, data=data)).data.warnings())


def test_points_are_enough() -> None:
    assert "too few" not in warnings(POINTS)


def test_rows_that_are_all_the_same_are_refused() -> None:
    with pytest.raises(DataError, match="all 136 rows are the same"):
        warnings(np.ones((200, 2), dtype=np.float32))


def test_pictures_that_are_all_the_same_are_refused_whatever_their_files(tmp_path: Path) -> None:
    for number in range(20):
        Image.new("RGB", (8, 8), (90, 20, 10)).save(tmp_path / f"{number}.png", compress_level=number % 10)
    recipe = Recipe(task=Generate(), source=str(tmp_path))
    with pytest.raises(DataError, match="rows are the same"):
        gather(recipe, collect(recipe))


def test_one_row_is_refused() -> None:
    with pytest.raises(DataError, match=re.escape("1 row is too few to learn a generator from")):
        warnings(POINTS[:1])


def test_few_rows_are_told_to_be_too_few_to_measure() -> None:
    told = warnings(POINTS[:10])
    assert "the validation part has 1 row: too few to measure coverage" in told
    assert "the test part has 2 rows" in told
    assert "too few" not in warnings(POINTS[:60])
