"""How long the pieces of a text are: longer where there is much time, and always as long as the user says."""

from typing import Any

import pytest

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
