"""Arrays and lists from Python are taken as series, of unequal lengths too, and what is none is told without numpy's words."""

from typing import Any

import numpy as np
import pytest
import torch

from tutelage.core.errors import DataError
from tutelage.data.source.python_values import to_array
from tutelage.data.source.series_arrays import read_series_arrays

ONE, TWO = np.arange(5.0), np.arange(7.0)


@pytest.mark.parametrize(
    ("data", "shapes"),
    [
        (np.zeros((2, 5)) + 1, [(5, 1), (5, 1)]),
        (np.zeros((2, 5, 3), np.float32) + 1, [(5, 3), (5, 3)]),
        (torch.ones(2, 5), [(5, 1), (5, 1)]),
        ([ONE, TWO], [(5, 1), (7, 1)]),
        ((ONE, TWO), [(5, 1), (7, 1)]),
        ([[1, 2, 3], [4, 5]], [(3, 1), (2, 1)]),
        ([np.ones((5, 2)), torch.ones(3, 2)], [(5, 2), (3, 2)]),
        (np.array([ONE, TWO], dtype=object), [(5, 1), (7, 1)]),
    ],
)
def test_every_form_becomes_series(data: Any, shapes: list[tuple[int, int]]) -> None:
    part, problems = read_series_arrays(data, name="input")
    assert [values_TC.shape for values_TC in part.series] == shapes
    assert part.labels is None
    assert problems == []
    assert part.locate(1) == "input row 1"


@pytest.mark.parametrize(("labels", "held"), [(["a", "b"], ["a", "b"]), (np.array([1, 2]), [1, 2]), ([0.5, 2.0], [0.5, 2.0])])
def test_labels_may_come_beside_them(labels: Any, held: list[Any]) -> None:
    part, _ = read_series_arrays(([ONE, TWO], labels), name="input")
    assert part.labels is not None
    assert part.labels.tolist() == held


def test_series_that_cannot_stand_are_told_by_row() -> None:
    part, problems = read_series_arrays(([ONE, [1.0], [np.nan, np.nan], TWO], ["a", "b", "a", None]), name="input")
    assert len(part) == 1
    assert sorted(problem.item for problem in problems) == [1, 2, 3]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (ONE, "shape .5,.*One series alone: .series."),
        ([1.0, 2.0], "of 1 dimensions"),
        (np.zeros((2, 3, 4, 5)), "shape .2, 3, 4, 5."),
        ([[1, 2], ["a", "b"]], "input row 1: an array of <U1 values"),
        ([[[1, 2], [3]]], "input row 0: rows of different lengths .2 in row 0, 1 in row 1."),
        ({"a": [1, 2]}, "a table"),
        (7, "of 0 dimensions"),
    ],
)
def test_what_is_no_series_is_told(data: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_series_arrays(data, name="input")


def test_ragged_rows_are_told_in_our_words() -> None:
    with pytest.raises(DataError, match=r"rows of different lengths \(2 in row 0, 1 in row 1\)") as told:
        to_array([[1, 2], [1]], what="train")
    assert "sequence" not in str(told.value)


def test_a_number_that_nothing_can_be_computed_with_is_told_with_its_place() -> None:
    series = [np.array([1.0, 1e300, 3.0]), np.array([1.0, 2.0, 3.0])]
    _, problems = read_series_arrays(series, name="input")
    assert [(problem.where, problem.item) for problem in problems] == [("input row 0", 0)]
    assert "value 2 is 1e+300" in problems[0].found
