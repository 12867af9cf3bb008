"""The horizon that nobody said is one season, and only train times say what that is."""

import numpy as np
import pytest

from tests.unit.task.test_forecast import data, part
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
