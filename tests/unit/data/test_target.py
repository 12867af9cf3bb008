"""Targets: classes or numbers, told from the labels; encoded and decoded without loss."""

import json
from typing import Any

import numpy as np
import pytest

from tutelage.core import catalog
from tutelage.core.errors import DataError
from tutelage.data.target.base import Target
from tutelage.data.target.classes import Classes, fit_classes
from tutelage.data.target.meaning import are_amounts
from tutelage.data.target.numbers import fit_numbers


def labels(*values: Any) -> np.ndarray:
    return np.array(values, dtype=object)


def fit(values: np.ndarray) -> Target:
    is_amounts, reason = are_amounts(values.tolist())
    return fit_numbers(values, reason=reason) if is_amounts else fit_classes(values, reason=reason)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (labels("dog", "cat"), False),
        (labels(True, False, True), False),
        (labels(0.5, 1.5), False),
        (np.arange(100) % 10, False),
        (np.arange(100.0) % 10, False),
        (np.arange(100), True),
        (np.arange(10) % 5, True),
        (np.linspace(0, 1, 50), True),
        (np.arange(1000) % 21, True),
    ],
)
def test_names_and_amounts_are_told_apart_by_the_labels(values: np.ndarray, expected: bool) -> None:
    assert are_amounts(values.tolist())[0] is expected


def test_classes_are_sorted_as_people_sort() -> None:
    assert fit_classes(labels("img10", "img2", "Img1"), reason="").classes == ("Img1", "img2", "img10")
    assert fit_classes(labels(10, 9, 10), reason="").classes == (9, 10)
    assert fit_classes(labels("10", "9"), reason="").classes == ("9", "10")


def test_digits_that_are_no_numbers_and_very_long_numbers_sort_without_a_crash() -> None:
    names = ("10\u00b2", "\u2460", "7" * 5_000, "a")
    assert set(fit_classes(labels(*names), reason="").classes) == set(names)


def test_codes_and_names_invert_each_other() -> None:
    values = labels("b", "a", "c", "a")
    target = fit_classes(values, reason="")
    codes = target.encode(values)
    assert codes.dtype == np.int64
    assert codes.tolist() == [1, 0, 2, 0]
    assert target.labels(np.eye(3)[codes]) == values.tolist()
    assert target.count(codes).tolist() == [2, 1, 1]


def test_whole_floats_and_their_text_are_the_same_class_as_whole_numbers() -> None:
    target = fit_classes(np.array([0, 1, 1]), reason="")
    assert target.encode(np.array([1.0, 0.0])).tolist() == [1, 0]
    assert target.encode(labels("1", "0")).tolist() == [1, 0]


def test_an_unknown_label_is_reported_with_its_row() -> None:
    target = fit_classes(labels("a", "b"), reason="")
    with pytest.raises(DataError) as error:
        target.encode(labels("a", "x", "b", None), locate=lambda row: f"t.csv row {row + 2}")
    assert [problem.where for problem in error.value.problems] == ["t.csv row 3", "t.csv row 5"]
    assert "'x'" in str(error.value)
    assert "Expected one of: a, b." in str(error.value)


def test_an_unknown_class_is_told_once_with_its_count() -> None:
    target = fit_classes(labels("a", "b"), reason="")
    with pytest.raises(DataError) as error:
        target.encode(labels(*["a", "x", "y"] * 500))
    assert [problem.where for problem in error.value.problems] == ["row 1", "row 2"]
    assert error.value.problems[0].found == "the label is 'x', in 500 rows (also row 4, row 7, ...)"
    assert [problem.items for problem in error.value.problems] == [tuple(range(first, 1500, 3)) for first in (1, 2)]
    assert all(problem.can_skip for problem in error.value.problems)


def test_missing_labels_and_words_among_numbers_are_told_once_each_with_their_count() -> None:
    with pytest.raises(DataError) as error:
        fit_classes(labels("a", None, "b", None, float("nan")), reason="")
    assert [(problem.where, problem.items) for problem in error.value.problems] == [("row 1", (1, 3)), ("row 4", (4,))]
    with pytest.raises(DataError) as error:
        fit_numbers(labels(1.5, "high", 2.5, "high"), reason="")
    assert [problem.items for problem in error.value.problems] == [(1, 3)]


def test_numbers_are_standardized_and_come_back_in_their_unit() -> None:
    values = np.random.default_rng(0).lognormal(10, 2, 500)
    target = fit_numbers(values, reason="")
    encoded = target.encode(values)
    assert encoded.dtype == np.float32
    assert abs(encoded.mean()) < 1e-5
    assert encoded.std() == pytest.approx(1, abs=1e-5)
    # float32 keeps 24 bits of the standardized value.
    np.testing.assert_allclose(target.decode(encoded), values, atol=2**-22 * values.std() * abs(encoded).max())


def test_words_in_place_of_numbers_are_named_each_with_its_row() -> None:
    with pytest.raises(DataError, match="2 problems"):
        fit_numbers(labels("1.5", "high", "2", "low", "7"), reason="")
    assert fit_numbers(labels("1.5", "2", "7"), reason="").encode(labels("3.5")).tolist() == [0.0]


@pytest.mark.parametrize("fitted", [fit_classes, fit_numbers])
@pytest.mark.parametrize("values", [labels("1", "1"), np.ones(5), labels()])
def test_labels_that_do_not_differ_are_refused(values: np.ndarray, fitted: Any) -> None:
    with pytest.raises(DataError, match="At least two different labels"):
        fitted(values, reason="")


@pytest.mark.parametrize("values", [labels("a", None, "b"), np.array([1.0, np.nan, 2.0])])
def test_missing_labels_are_refused(values: np.ndarray) -> None:
    with pytest.raises(DataError, match="row 1: the label is missing"):
        fit_classes(values, reason="")


@pytest.mark.parametrize("values", [labels("a", "b"), labels(3, 5), labels(True, False), np.linspace(0, 1, 7)])
def test_a_target_survives_json(values: np.ndarray) -> None:
    target = fit(values)
    record = json.loads(json.dumps(target.model_dump(mode="json")))
    again = catalog.load("target", record["kind"]).model_validate(record)
    assert again == target
    assert [type(name) for name in again.classes] == [type(name) for name in target.classes]


def test_numbers_that_are_infinite_are_refused() -> None:
    with pytest.raises(DataError, match="inf"):
        fit_numbers(np.array([1.5, np.inf, 2.5, 3.0]), reason="")


def test_another_spelling_of_a_class_is_mapped_and_told() -> None:
    target = Classes(names=("<=50K", ">50K"))
    matched, warnings = target.match(labels("<=50K.", ">50K"), part="test.csv")
    assert matched.tolist() == ["<=50K", ">50K"]
    assert len(warnings) == 1
