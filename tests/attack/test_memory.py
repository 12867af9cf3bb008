"""A few of the lacks of memory; all of them: `python -m tests.attack memory`."""

from pathlib import Path

import pytest

from tests.attack.memory import CASES, run

SAMPLE = (
    "images, forward fails 2 times after 3",
    "images, evaluation fails 1000000000 times after 0",
    "wide, 8 MiB more than at the start",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_a_lack_of_memory_ends_well_or_names_the_work(name: str, tmp_path: Path) -> None:
    (case,) = (each for each in CASES if each.name == name)
    assert run(case, tmp_path) == ""
