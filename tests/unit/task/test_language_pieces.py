"""How long the pieces of a text are: longer where there is much time, and always as long as the user says."""

from typing import Any

import pytest

from tutelage.core.errors import DataError
from tutelage.data.part.corpus import CorpusPart
from tutelage.data.source.base import Collected
from tutelage.planning.recipe import recipe_from
from tutelage.task.language import Language


@pytest.mark.parametrize(
    ("characters", "wishes", "length"),
    [
        (40_000, {}, 128),
        (40_000, {"budget": {"time": "9m"}}, 128),
        (40_000, {"budget": {"time": "10m"}}, 256),
        (40_000, {"budget": {"time": "10m"}, "prepare": {"length": 64}}, 64),
        (40_000, {"budget": {"time": "10m"}, "prepare": "bytes"}, 128),
        (20_000, {"budget": {"time": "10m"}}, 128),
    ],
)
def test_much_time_brings_longer_pieces_of_a_long_text(characters: int, wishes: dict[str, Any], length: int) -> None:
    train = CorpusPart("train", "the old man " * (characters // 12), "x.txt", "")
    data: Any = Language().prepare(Collected("x", train), recipe_from(wishes, where="test"), reason="")
    assert data.fitted.length == length


@pytest.mark.parametrize(
    ("split", "sizes"),
    [
        ({}, {"train": 11_400_000, "validation": 100_000, "test": 500_000}),
        ({"test": 0.25, "validation": 0.5}, {"train": 4_500_000, "validation": 4_500_000, "test": 3_000_000}),
        ({"test": 0}, {"train": 11_900_000, "validation": 100_000}),
    ],
)
def test_of_a_very_long_text_no_more_is_measured_than_tells_something(split: dict[str, float], sizes: dict[str, int]) -> None:
    train = CorpusPart("train", "the old man " * 1_000_000, "x.txt", "")
    data: Any = Language().prepare(Collected("x", train), recipe_from({"split": split}, where="test"), reason="")
    assert data.sizes == sizes
    said = next(decision.reason for decision in data.decisions() if decision.key == "split")
    assert ("of a long text at most 500,000 and 100,000 characters" in said) == ("validation" not in split)


def test_of_a_short_text_the_usual_shares_are_measured() -> None:
    train = CorpusPart("train", "the old man " * 10_000, "x.txt", "")
    data: Any = Language().prepare(Collected("x", train), recipe_from({}, where="test"), reason="")
    assert data.sizes == {"train": 102_600, "validation": 5_400, "test": 12_000}


@pytest.mark.parametrize("kind", ["texts", "table", "series", "array"])
def test_a_preprocessing_for_other_data_is_told_before_training(kind: str) -> None:
    train = CorpusPart("train", "the old man " * 1_000, "x.txt", "")
    with pytest.raises(DataError, match=r"This preprocessing takes .*; to train, leave `prepare` out"):
        Language().prepare(Collected("x", train), recipe_from({"prepare": kind}, where="test"), reason="")
