"""Bands as they travel with a forecaster."""

import json

import numpy as np
import pytest

from tutelage.calibrate.bands import MOST_OFFSETS, Bands

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
