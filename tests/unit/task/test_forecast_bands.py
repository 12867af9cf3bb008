"""Bands around forecasts hold the share of values that they say, never cross, and survive gaps and few windows."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tutelage.task.forecast_bands import LEVELS, band_coverage, fit_bands, say_narrow


@pytest.mark.parametrize("num_windows", [9, 19, 60, 400])
def test_bands_hold_at_least_the_share_of_exchangeable_values_that_they_say(num_windows: int) -> None:
    """Skewed residuals, each sample with one value more; the mean over many samples is what the theorem speaks of."""
    generator = np.random.default_rng(0)
    held: dict[str, list[float]] = {"0.8": [], "0.5": []}
    for _ in range(400):
        residual = generator.exponential(size=(num_windows + 1, 1, 1)) - 1
        offsets = fit_bands(residual[:-1])
        for name, share in band_coverage(residual[-1:], offsets).items():
            held[name].append(share)
    # Three standard errors of 400 draws below; above by the correction, which is at most 2 / (n + 1), and as much.
    for name, shares in held.items():
        said = float(name)
        error = 3 * (said * (1 - said) / 400) ** 0.5
        assert said - error <= np.mean(shares) <= said + 2 / (num_windows + 1) + error


def test_ends_are_the_order_statistics_that_the_correction_names() -> None:
    residual = np.arange(1.0, 100.0).reshape(-1, 1, 1)  # 99 values, so that level q is value 100 q
    assert fit_bands(residual - 50)[:, 0, 0].tolist() == [-40, -25, 0, 25, 40]
    residual = np.arange(1.0, 61.0).reshape(-1, 1, 1)  # ranks 6.1, 15.25, 30.5, 45.75, 54.9
    assert (30 + fit_bands(residual - 30)[:, 0, 0]).tolist() == [6, 15, 30.5, 46, 55]


def test_of_few_stretches_each_residual_counts_with_both_signs_and_of_many_with_its_own() -> None:
    """A forecast that was always too high: after one stretch it may be too low the next time, after many it is not likely."""
    residual = -10 + np.random.default_rng(0).normal(size=(400, 24, 1))
    few, many = fit_bands(residual[:2])[:, 0, 0], fit_bands(np.concatenate([residual, residual]))[:, 0, 0]
    np.testing.assert_allclose(few, -few[::-1])
    assert few[0] < -10
    assert few[-1] > 10
    assert many[2] == pytest.approx(-10, abs=0.5)
    assert many[0] < many[1] < many[2]
    assert many[3:].tolist() == [0, 0], "the forecast is never outside its bands"


@pytest.mark.parametrize(("num_windows", "least"), [(1, 0.75), (25, 0.7), (97, 0.72)])
def test_bands_hold_where_errors_go_on_for_about_a_stretch(num_windows: int, least: float) -> None:
    """Errors of 0.95 from step to step: with signs, bands of one to five stretches held 42 to 68 %."""
    held = []
    for seed in range(60):
        noise = np.random.default_rng(seed).normal(size=2 * num_windows + 400)
        errors = np.zeros_like(noise)
        for place in range(1, len(noise)):
            errors[place] = 0.95 * errors[place - 1] + noise[place]
        windows = np.lib.stride_tricks.sliding_window_view(errors, 24)[:, :, None]
        offsets = fit_bands(windows[100 : 100 + num_windows])
        held.append(band_coverage(windows[200 + num_windows :][: max(num_windows, 24)], offsets)["0.8"])
    assert least <= np.mean(held) <= 0.92


@settings(max_examples=60, deadline=None)
@given(
    residual=arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 20), st.integers(1, 6), st.integers(1, 3)),
        elements=st.floats(-100, 100, width=32) | st.just(float("nan")),
    )
)
def test_levels_never_cross_and_stay_within_what_was_seen(residual: np.ndarray) -> None:
    offsets = fit_bands(residual)
    assert offsets.shape == (len(LEVELS), *residual.shape[1:])
    for channel in range(residual.shape[2]):
        seen = residual[:, :, channel][np.isfinite(residual[:, :, channel])]
        ours = offsets[:, :, channel]
        if not len(seen):
            assert np.isnan(ours).all()
            continue
        assert (np.diff(ours, axis=0) >= 0).all()
        assert residual.shape[1] > 1 or np.abs(ours).max() <= np.abs(seen).max()
        assert (ours[:2] <= 0).all()
        assert (ours[3:] >= 0).all()


def test_few_windows_borrow_from_neighboring_steps_and_many_do_not() -> None:
    size_H = np.arange(1.0, 31.0)
    residual = size_H[None, :, None] * np.linspace(-1, 1, 400)[:, None, None]
    many = fit_bands(residual)[-1, :, 0]
    np.testing.assert_allclose(many, size_H * many[0])
    few = fit_bands(residual[::80])[-1, :, 0]  # 5 windows: the end of an 80 % band needs 9 residuals
    assert few[0] > many[0]
    assert few[-1] > few[15] > few[0]


@pytest.mark.parametrize(("num_windows", "least"), [(1, 0.8), (200, 0.75)])
def test_bands_of_windows_that_overlap_hold_nearly_what_they_say_on_times_that_follow(num_windows: int, least: float) -> None:
    """Residuals of a series whose errors last for some steps: even a single stretch gives bands that are of use."""
    horizon, held = 24, []
    for seed in range(60):
        noise = np.random.default_rng(seed).normal(size=2 * (num_windows + horizon) + 100)
        errors = np.zeros_like(noise)
        for place in range(1, len(noise)):
            errors[place] = 0.7 * errors[place - 1] + noise[place]
        windows = np.lib.stride_tricks.sliding_window_view(errors, horizon)[:, :, None]
        offsets = fit_bands(windows[50 : 50 + num_windows])
        held.append(band_coverage(windows[50 + num_windows + horizon :][:num_windows], offsets)["0.8"])
    assert least <= np.mean(held) <= 0.97


def test_values_that_were_not_measured_count_neither_in_fitting_nor_in_coverage() -> None:
    residual = np.linspace(-1, 1, 200).reshape(-1, 1, 1)
    gaps = np.concatenate([residual, np.full_like(residual, np.nan)])
    np.testing.assert_array_equal(fit_bands(gaps), fit_bands(residual))
    assert band_coverage(gaps, fit_bands(residual)) == band_coverage(residual, fit_bands(residual))
    assert np.isnan(band_coverage(np.full((3, 1, 1), np.nan), fit_bands(residual))["0.8"])


@pytest.mark.parametrize("levels", [(0.9, 0.1), (0.0, 0.5), (0.5, 1.0)])
def test_levels_that_make_no_bands_are_refused(levels: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="levels"):
        fit_bands(np.zeros((3, 1, 1)), levels)


def test_many_series_take_a_moment_and_steps_that_were_not_measured_none() -> None:
    residual = np.random.default_rng(0).normal(size=(60, 720, 20)).astype(np.float32)
    residual[:, :, 0], residual[:, 5:, 1] = np.nan, np.nan
    residual[11:, :, 2] = np.nan
    began = time.monotonic()
    offsets = fit_bands(residual)
    # A loop over steps took tens of times as long.
    assert time.monotonic() - began < 2.0
    assert np.isnan(offsets[:, :, 0]).all()
    assert np.isfinite(offsets[:, :, 1:]).all()


def test_windows_that_were_left_out_count_as_time_that_was_seen() -> None:
    residual = np.random.default_rng(0).normal(size=(400, 10, 1))
    whole, thinned = fit_bands(residual), fit_bands(residual[::8])
    told = fit_bands(residual[::8], span=400)
    wide = [float((offsets[-1] - offsets[0]).mean()) for offsets in (whole, thinned, told)]
    assert wide[1] > wide[2]
    assert wide[2] == pytest.approx(wide[0], rel=0.1)


@pytest.mark.parametrize(
    ("held", "upper", "is_told"),
    [
        (0.398, 0.5, True),
        (0.65, 0.78, True),
        (0.65, 0.85, False),
        (0.75, 0.78, False),
        (0.55, np.nan, True),
        (0.7, np.nan, False),
    ],
)
def test_bands_that_hold_clearly_less_than_they_should_are_warned_of(held: float, upper: float, is_told: bool) -> None:
    said = say_narrow({"0.5": 0.1, "0.8": held}, upper=upper)
    assert bool(said) == is_told
    if is_told:
        assert f"80 % bands hold {100 * held:.1f} %" in said
        assert "split.validation" in said


def test_bands_that_were_not_measured_are_not_warned_of() -> None:
    assert say_narrow({}, upper=np.nan) == ""
    assert say_narrow({"0.8": None}, upper=np.nan) == ""


def test_the_ends_are_the_outer_ones_of_two_residuals() -> None:
    residual = np.random.default_rng(0).permutation(np.arange(60.0) - 30)[:, None, None]
    # Of 60 the 6.1th and the 54.9th, counted from 1: the 6th and the 55th; in the middle the mean of the 30th and the 31st.
    assert fit_bands(residual, (0.1, 0.5, 0.9))[:, 0, 0].tolist() == [-25.0, -0.5, 24.0]
