"""The floor of a student that is trained alone: its own, where that needs nothing that it does not begin with."""

from types import SimpleNamespace
from typing import Any

import pytest

from tutelage.floor.base import Floor
from tutelage.floor.linear_probe import LinearProbe
from tutelage.floor.word_pairs import WordPairs
from tutelage.run.distill import _floor_alone

PROBE, WORDS = LinearProbe(), WordPairs()


@pytest.mark.parametrize(
    ("floor", "is_begun", "uses", "wanted"),
    [
        (PROBE, False, ("floor",), "none"),
        (PROBE, True, ("floor",), PROBE),
        (WORDS, False, ("floor",), WORDS),
        (None, True, ("floor",), "none"),
        (None, True, (), "auto"),
    ],
)
def test_a_student_alone_keeps_its_floor_unless_that_looks_through_what_is_not_there(
    floor: Floor | None, is_begun: bool, uses: tuple[str, ...], wanted: Any
) -> None:
    plan: Any = SimpleNamespace(floor=floor, task=SimpleNamespace(uses=uses))
    assert _floor_alone(plan, is_begun=is_begun) == wanted
