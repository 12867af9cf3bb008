"""Bands as they travel with a forecaster."""

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tutelage.calibrate.bands import MOST_OFFSETS, Bands
from tutelage.core.shape.array import ArrayShape
from tutelage.core.shape.forecast import ForecastShape

LEVELS = (0.1, 0.5, 0.9)


def test_offsets_are_kept() -> None:
    offsets = np.sort(np.random.default_rng(0).normal(size=(3, 7, 2)), axis=0)
    bands = Bands.of(offsets, LEVELS)
    assert Bands.model_validate(json.loads(json.dumps(bands.model_dump(mode="json")))) == bands
    np.testing.assert_allclose(bands.array(), offsets, rtol=1e-5)


def test_of_very_many_neighboring_steps_share_theirs() -> None:
    offsets = np.broadcast_to(np.linspace(0, 1, 700)[None, :, None], (3, 700, 500))
    bands = Bands.of(offsets, LEVELS)
    assert len(bands.offsets) <= MOST_OFFSETS
    np.testing.assert_allclose(bands.array(), offsets, atol=0.01)


def test_numbers_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="2 offsets for 1 levels of 3 x 1"):
        Bands(levels=(0.5,), sizes=(3, 1), offsets=(0.0, 1.0))


@pytest.mark.parametrize(
    "said",
    [
        {"sizes": (10**13, 1), "every": 10**13, "offsets": (0.0, 1.0)},
        {"sizes": (1, 1), "offsets": (0.0, float("inf"))},
        {"sizes": (1, 1), "offsets": (float("nan"), 1.0)},
    ],
)
def test_bands_without_bounds_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Bands(levels=(0.1, 0.9), **said)


def test_a_series_that_was_not_measured_has_no_bands() -> None:
    offsets = np.random.default_rng(0).normal(size=(3, 7, 2)).cumsum(axis=0)
    offsets[:, :, 1] = np.nan
    bands = Bands.of(offsets, LEVELS)
    assert bands.offsets[1] is None
    assert Bands.model_validate(json.loads(json.dumps(bands.model_dump(mode="json")))) == bands
    np.testing.assert_allclose(bands.array(), offsets, rtol=1e-5)


def test_bands_are_those_of_the_steps_and_series_of_a_model() -> None:
    bands = Bands.of(np.zeros((3, 7, 2)), LEVELS)
    assert bands.misfit(ForecastShape(channels=2, horizon=7)) == ""
    for shape in (ForecastShape(channels=1, horizon=7), ForecastShape(channels=2, horizon=1), ArrayShape()):
        assert bands.misfit(shape) == "bands of 7 steps ahead and 2 series"


def test_the_offsets_are_made_once_and_nobody_changes_them() -> None:
    bands = Bands.of(np.zeros((3, 7, 2)), LEVELS)
    assert bands.array() is bands.array()
    with pytest.raises(ValueError, match="read-only"):
        bands.array()[0] = 1.0
    assert bands == Bands.of(np.zeros((3, 7, 2)), LEVELS)
    assert bands.model_dump() == Bands.of(np.zeros((3, 7, 2)), LEVELS).model_dump()
