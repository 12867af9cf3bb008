"""Targets: classes or numbers, told from the labels; encoded and decoded without loss."""

import json
from typing import Any

import numpy as np
import pytest

from tutelage.core.errors import DataError
from tutelage.data.prepare.target import ClassTarget, NumberTarget, fit_target, restore_target


def labels(*values: Any) -> np.ndarray:
    return np.array(values, dtype=object)


def classes(target: object) -> tuple[object, ...]:
    assert isinstance(target, ClassTarget)
    return target.classes


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (labels("dog", "cat"), "classify"),
        (labels(True, False, True), "classify"),
        (labels(0.5, 1.5), "classify"),
        (np.arange(100) % 10, "classify"),
        (np.arange(100.0) % 10, "classify"),
        (np.arange(100), "regress"),
        (np.arange(10) % 5, "regress"),
        (np.linspace(0, 1, 50), "regress"),
        (np.arange(1000) % 21, "regress"),
    ],
)
def test_the_task_is_told_from_the_labels(values: np.ndarray, task: str) -> None:
    assert fit_target(values).task == task


def test_the_reason_says_how_to_decide_otherwise() -> None:
    assert "--task regress" in fit_target(np.arange(100) % 7).reason
    assert "--task classify" in fit_target(np.arange(100)).reason
    assert fit_target(np.arange(100), task="classify").reason == "as you said"


def test_classes_are_sorted_as_people_sort() -> None:
    assert classes(fit_target(labels("img10", "img2", "Img1"))) == ("Img1", "img2", "img10")
    assert classes(fit_target(labels(10, 9, 10))) == (9, 10)
    assert classes(fit_target(labels("10", "9"))) == ("9", "10")


def test_codes_and_names_invert_each_other() -> None:
    values = labels("b", "a", "c", "a")
    target = fit_target(values)
    codes = target.encode(values)
    assert codes.dtype == np.int64
    assert codes.tolist() == [1, 0, 2, 0]
    assert isinstance(target, ClassTarget)
    assert target.decode(codes) == values.tolist()
    assert target.count(codes).tolist() == [2, 1, 1]


def test_whole_floats_and_their_text_are_the_same_class_as_whole_numbers() -> None:
    target = fit_target(np.array([0, 1, 1]))
    assert target.encode(np.array([1.0, 0.0])).tolist() == [1, 0]
    assert target.encode(labels("1", "0")).tolist() == [1, 0]


def test_every_unknown_label_is_reported_with_its_row() -> None:
    target = fit_target(labels("a", "b"))
    with pytest.raises(DataError) as error:
        target.encode(labels("a", "x", "b", None), locate=lambda row: f"t.csv row {row + 2}")
    assert [problem.where for problem in error.value.problems] == ["t.csv row 3", "t.csv row 5"]
    assert [problem.item for problem in error.value.problems] == [1, 3]
    assert "'x'" in str(error.value)
    assert "Expected one of: a, b." in str(error.value)


def test_numbers_are_standardized_and_come_back_in_their_unit() -> None:
    values = np.random.default_rng(0).lognormal(10, 2, 500)
    target = fit_target(values)
    encoded = target.encode(values)
    assert encoded.dtype == np.float32
    assert abs(encoded.mean()) < 1e-5
    assert encoded.std() == pytest.approx(1, abs=1e-5)
    assert isinstance(target, NumberTarget)
    # float32 keeps 24 bits of the standardized value.
    np.testing.assert_allclose(target.decode(encoded), values, atol=2**-22 * values.std() * abs(encoded).max())


def test_regression_on_words_names_each_bad_row() -> None:
    with pytest.raises(DataError, match="2 problems"):
        fit_target(labels("1.5", "high", "2", "low", "7"), task="regress")
    assert fit_target(labels("1.5", "2", "7"), task="regress").encode(labels("3.5")).tolist() == [0.0]


@pytest.mark.parametrize("values", [labels("a", "a"), np.ones(5), labels()])
def test_labels_that_do_not_differ_are_refused(values: np.ndarray) -> None:
    with pytest.raises(DataError, match="At least two different labels"):
        fit_target(values)


@pytest.mark.parametrize("values", [labels("a", None, "b"), np.array([1.0, np.nan, 2.0])])
def test_missing_labels_are_refused(values: np.ndarray) -> None:
    with pytest.raises(DataError, match="row 1: the label is missing"):
        fit_target(values)


@pytest.mark.parametrize("values", [labels("a", "b"), labels(3, 5), labels(True, False), np.linspace(0, 1, 7)])
def test_a_target_survives_json(values: np.ndarray) -> None:
    target = fit_target(values)
    assert restore_target(json.loads(json.dumps(target.state()))) == target


def test_regression_labels_that_are_infinite_are_refused() -> None:
    with pytest.raises(DataError, match="inf"):
        fit_target(np.array([1.5, np.inf, 2.5, 3.0]), task="regress")
