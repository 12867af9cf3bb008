"""Images given as numbers are read in the range of the training images, whatever numbers are among the ones to answer for."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from tutelage.core.errors import DataError
from tutelage.data.prepare.base import Fitted
from tutelage.data.prepare.image import Image
from tutelage.data.source.arrays import collect_arrays

LABELS = np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
def test_one_image_alone_is_read_as_among_all(low: float, high: float) -> None:
    images = np.random.default_rng(0).uniform(low, high, (6, 5, 5))
    images[0] = np.linspace(max(low, 0.0), min(high, 0.9), 25).reshape(5, 5)
    images[1] = max(low, 0.0)
    images[1, 0, 0] += 1e-9
    fitted = Image().restore(json.loads(json.dumps(Image().fit(collect_arrays((images, LABELS)).train).state())))
    whole = fitted.apply(part_of(images, fitted)).take(torch.arange(6))["image"]
    for row in range(6):
        alone = fitted.apply(part_of(images[row : row + 1], fitted)).take(torch.arange(1))["image"]
        assert torch.equal(alone[0], whole[row])


def part_of(images: np.ndarray, fitted: Fitted) -> Any:
    return collect_arrays(images, is_input=True, reading=fitted.reading()).train


def test_images_out_of_the_range_of_training_are_refused_and_whole_numbers_are_what_they_are() -> None:
    images = np.random.default_rng(0).uniform(0, 1, (6, 5, 5))
    fitted = Image().fit(collect_arrays((images, LABELS)).train)
    with pytest.raises(DataError, match="values from 0 to 255, but from 0 to 1 in training"):
        part_of(images * 255, fitted)
    bytes_NHW = np.rint(images * 255).astype(np.uint8)
    assert np.array_equal(part_of(bytes_NHW, fitted).pixels[..., 0], bytes_NHW)
    assert fitted.adapted(collect_arrays((bytes_NHW, LABELS)).train).reading() == {}
