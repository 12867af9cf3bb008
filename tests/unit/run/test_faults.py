"""A sample of `python -m tests.attack.faults`: a disk that refuses in the middle of a real command."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.faults import Case, Ground, attack, prepared

CASES = [
    Case("train", 45, "ENOSPC", lasting=True),
    Case("train", 70, "EIO", lasting=False),
    Case("train", 25, "short", lasting=False),
    Case("resume", 20, "ENOSPC", lasting=False),
    Case("resume", 3, "EROFS", lasting=True),
    Case("report", 3, "ENOSPC", lasting=False),
    Case("predict", 2, "EIO", lasting=False),
]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    before = Path.cwd()
    yield prepared(tmp_path_factory.mktemp("faults") / "home")
    os.chdir(before)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are copies")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.verb}-{case.at}-{case.kind}")
def test_a_fault_ends_in_the_right_answer_or_a_message_and_the_way_on_ends_with_the_same_digest(
    case: Case, ground: Ground
) -> None:
    ending, problems = attack(case, ground)
    assert ending, "the fault never came"
    assert problems == []
