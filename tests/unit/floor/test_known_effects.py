"""What is known beforehand counts in the straight map: of coming times, of the window, in a file; never where it says nothing."""

from dataclasses import replace

import numpy as np
import pytest

from tutelage.data.part.interval import DAY, Interval
from tutelage.data.part.timeline import TimelinePart
from tutelage.data.prepare.timeline import Timeline, TimelineFitted
from tutelage.data.rows.history import HistoryPart
from tutelage.floor.known_effects import KnownEffects
from tutelage.floor.ridge_forecast import RidgeForecast, RidgeForecastFitted

EFFECTS = np.array([60.0, -60.0])


def shops(effect_C: np.ndarray = EFFECTS, *, is_known: bool = True, gaps: bool = False) -> TimelinePart:
    """Return two series with a week, on which a promotion on one day of eight has an effect."""
    random = np.random.default_rng(0)
    promotion_T = (random.random(500) < 0.125).astype(float)
    week_T = 20 * np.sin(np.arange(500) * 2 * np.pi / 7)
    values = 100 + week_T[:, None] + promotion_T[:, None] * effect_C + random.normal(size=(500, 2))
    if gaps:
        values[random.random((500, 2)) < 0.1] = np.nan
    known, names = (promotion_T[:, None], ("promotion",)) if is_known else (np.empty((500, 0)), ())
    return TimelinePart("train", values, known, 0, Interval("time", DAY), ("a", "b"), names, "x", "")


def prepared(part: TimelinePart, *, train: int = 400) -> tuple[TimelineFitted, HistoryPart, HistoryPart]:
    """Return the preprocessing, windows of the train times, and windows after them."""
    early, late = part.stretch(0, train, name="train"), part.stretch(train - 28, 500, name="test")
    fitted = Timeline(length=28, horizon=14, season=7).fit(early)
    return fitted, fitted.windows(early), fitted.windows(late)


def learned(windows: HistoryPart) -> RidgeForecastFitted:
    return RidgeForecast().fit(windows, np.empty(0), num_classes=0, seed=0)


@pytest.mark.parametrize("gaps", [False, True])
def test_the_straight_map_knows_what_is_known_of_coming_times(gaps: bool) -> None:
    errors = []
    for is_known in (True, False):
        _, train, test = prepared(shops(is_known=is_known, gaps=gaps))
        errors.append(float(np.nanmean(((learned(train).answers(test) - test.truths()) * test.std) ** 2)))
    assert errors[0] < 4, "the noise has 1"
    assert errors[1] > 200


def test_a_forecast_changes_by_the_effect_of_each_series() -> None:
    part = shops()
    fitted, train, _ = prepared(part)
    floor = learned(train)
    told = []
    for value in (0.0, 1.0):
        known = part.known.copy()
        known[486:] = value
        moment = replace(part, known=known, values=np.where(np.arange(500)[:, None] < 486, part.values, np.nan))
        told.append(floor.answers(fitted.latest(moment, last=485))[0] * np.array(fitted.std))
    np.testing.assert_allclose(told[1] - told[0], np.broadcast_to(EFFECTS, (14, 2)), atol=2)


def test_what_was_known_of_the_window_does_not_mislead() -> None:
    part = shops()
    fitted, train, _ = prepared(part)
    plain = np.where(np.arange(500)[:, None] < 486, part.values, np.nan)
    shifted = plain.copy()
    known = part.known.copy()
    shifted[485] += EFFECTS * (1 - known[485])
    with_promotion = known.copy()
    with_promotion[485] = 1
    floor = learned(train)
    answers = [
        floor.answers(fitted.latest(replace(part, values=values, known=told), last=485))[0] * np.array(fitted.std)
        for values, told in ((plain, known), (shifted, with_promotion))
    ]
    np.testing.assert_allclose(answers[0], answers[1], atol=3)


def test_files_take_the_effects_of_several_columns() -> None:
    part = shops()
    both = replace(part, known=np.c_[part.known, np.roll(part.known, 3, axis=0)], known_names=("promotion", "later"))
    _, train, test = prepared(both)
    floor = learned(train)
    assert floor.tensors()["effects"].shape == (2, 2)
    assert floor.tensors()["effects"].is_contiguous()
    assert np.nanmean(((floor.answers(test) - test.truths()) * test.std) ** 2) < 4


def test_where_effects_grow_with_the_level_they_are_shares_of_it() -> None:
    random = np.random.default_rng(0)
    promotion = (random.random((500, 1)) < 0.125).astype(float)
    level = np.exp(np.arange(500)[:, None] / 150) * (10 + 5 * np.sin(np.arange(500)[:, None] * 2 * np.pi / 7))
    values = level * 2**promotion * np.exp(0.01 * random.normal(size=(500, 1)))
    part = TimelinePart("train", values, promotion, 0, Interval("time", DAY), ("a",), ("promotion",), "x", "")
    _, train, test = prepared(part)
    floor = learned(train)
    assert floor.scale.is_log.all()
    truth = test.raw(test.truths())
    assert np.nanmean(np.abs(test.raw(floor.answers(test)) / truth - 1)) < 0.05


def test_columns_that_say_nothing_leave_the_map_nearly_as_it_is() -> None:
    part = shops(np.zeros(2))
    answers = []
    for is_known in (True, False):
        _, train, test = prepared(part if is_known else shops(np.zeros(2), is_known=False))
        answers.append(learned(train).answers(test) * test.std)
    np.testing.assert_allclose(answers[0], answers[1], atol=0.5)
    constant = replace(part, known=np.ones((500, 1)))
    _, train, _ = prepared(constant)
    assert not KnownEffects.suited(train).effects.any()


def test_without_such_columns_nothing_is_stored_and_with_them_all_is() -> None:
    for is_known in (False, True):
        _, train, test = prepared(shops(is_known=is_known))
        floor = learned(train)
        assert ("effects" in floor.tensors()) == is_known
        assert all(tensor.is_contiguous() for tensor in floor.tensors().values()), "files take no others"
        again = RidgeForecast().restore(floor.state(), floor.tensors())
        assert np.array_equal(again.answers(test), floor.answers(test))
        assert np.array_equal(again.refitted(test).answers(test), floor.refitted(test).answers(test))
    with pytest.raises(ValueError, match="effects of"):
        RidgeForecast().restore(floor.state(), floor.tensors() | {"effects": floor.tensors()["effects"][:, :1]})
