"""Series that end early, have few values, or none to learn from are named, with what becomes of them."""

import numpy as np
import pytest

from tests.unit.task.test_forecast import data
from tutelage.core.errors import DataError


def four(count: int = 500) -> np.ndarray:
    """Four series that swing by the day; of the last two only some times were measured, if any."""
    place = np.arange(count)[:, None]
    return np.asarray(np.sin(place * 2 * np.pi / 24) + np.arange(4) + 0.1 * np.random.default_rng(0).normal(size=(count, 4)))


def told(values: np.ndarray) -> str:
    return " ".join(data(values, horizon=24).warnings())


def test_whole_series_are_not_told_of() -> None:
    assert told(four()) == ""


def test_series_that_end_early_are_named_with_their_last_time() -> None:
    values = four()
    values[200:, 2] = values[5:, 3] = np.nan
    found = told(values)
    assert "2 of 4 series end a horizon or more before the last time, 1970-01-21 19:00" in found
    assert "c (200 values, up to 1970-01-09 07:00), d (5 values, up to 1970-01-01 04:00)" in found
    assert "2 of them end before the test part" in found


def test_series_with_fewer_values_to_learn_from_than_a_window_takes_are_named() -> None:
    values = four()
    values[:280, 3] = np.nan
    assert "1 of 4 series have fewer values to learn from" in told(values)
    assert "d (220 values, from 1970-01-12 16:00)" in told(values)


def test_series_without_a_value_in_the_train_times_are_left_out() -> None:
    values = four()
    values[:400, 3] = np.nan
    values[:, 1] = np.nan
    made = data(values, horizon=24)
    assert made.fitted.series == ("a", "c")
    assert made.windows["test"].channels == 2
    assert made.fitted.read["columns"] == ["a", "c"]
    assert "there is no value up to 1970-01-13 11:00, where the train part ends: b (no value), d (100 values" in told(values)


def test_times_that_only_a_series_left_out_has_are_left_out_too() -> None:
    values = four()
    values[:480, 3] = np.nan
    values[480:, :3] = np.nan
    assert sum(data(values, horizon=24).sizes.values()) == 480


def test_no_series_with_a_value_to_learn_from_is_refused() -> None:
    values = four()
    values[:400] = np.nan
    with pytest.raises(DataError, match="no series has a value up to 1970-01-13"):
        data(values, horizon=24)
