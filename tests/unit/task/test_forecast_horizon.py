"""The horizon that nobody said is one season, and only train times say what that is."""

from typing import Any

import numpy as np
import pytest

from tests.unit.task.test_forecast import data, part
from tutelage.core.errors import DataError
from tutelage.data.part.interval import Interval


def seasons(early: int, late: int, *, cut: int, count: int = 1_000) -> np.ndarray:
    """Counted times: one season up to a place, another one after it."""
    place = np.arange(count)
    noise = 0.05 * np.random.default_rng(0).normal(size=count)
    wave = np.where(place < cut, np.sin(2 * np.pi * place / early), 30 * np.sin(2 * np.pi * place / late)) ** 3
    return np.asarray((wave + noise)[:, None])


def test_times_of_validation_and_test_do_not_choose_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.task.test_forecast.Interval", lambda *_: Interval("number", 1))
    values = seasons(21, 33, cut=300)
    assert data(values, horizon=0).fitted.horizon == 33, "most of the train times say so"
    made = data(values, horizon=0, split={"validation": 350, "test": 350})
    assert (made.sizes["train"], made.fitted.horizon, made.fitted.season) == (300, 21, 21)


def test_the_last_times_of_which_nothing_was_measured_are_not_cut_off_for_the_test() -> None:
    values = np.sin(np.arange(386) * 2 * np.pi / 24)[:, None]
    made = data(np.concatenate([values, np.full((14, 1), np.nan)]), horizon=7)
    assert made.sizes == data(values, horizon=7).sizes
    later = part(np.concatenate([values, np.full((5, 1), np.nan)]), start=386 * 3_600_000_000, name="test")
    assert data(np.concatenate([values, np.full((14, 1), np.nan)]), horizon=7, test=later).sizes["test"] == 386


def test_a_test_part_of_one_window_is_warned_of() -> None:
    few, many = (np.random.default_rng(0).normal(size=(count, 1)) for count in (30, 400))
    assert "tell nearly nothing" in " ".join(data(few, horizon=7).warnings())
    assert "tell nearly nothing" not in " ".join(data(many, horizon=7).warnings())


@pytest.mark.parametrize(
    ("count", "wishes", "remedy"),
    [
        (3, {}, "Give a table of at least 4 times"),
        (100, {"split": {"validation": 50, "test": 49}}, "or smaller parts: --set split.validation=N"),
    ],
)
def test_a_horizon_of_one_is_not_asked_to_be_smaller(count: int, wishes: dict[str, Any], remedy: str) -> None:
    with pytest.raises(DataError, match=remedy) as caught:
        data(np.random.default_rng(0).normal(size=(count, 1)), horizon=1, **wishes)
    assert "--horizon" not in str(caught.value)


def test_the_horizon_that_is_named_as_the_longest_is_one_that_fits() -> None:
    values = np.random.default_rng(0).normal(size=(30, 1))
    with pytest.raises(DataError, match="--horizon 7 at most"):
        data(values, horizon=8)
    assert data(values, horizon=7).sizes == {"train": 16, "validation": 7, "test": 7}
