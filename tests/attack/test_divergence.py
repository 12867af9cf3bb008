"""A few of the planted numbers; all of them: `python -m tests.attack divergence`."""

from pathlib import Path

import pytest

from tests.attack.divergence import CASES, Case, nothing, run, table

SAMPLE = (
    "table: a NaN in one batch",
    "numbers: NaN weights",
    "numbers: NaN moments",
    "points: a NaN gradient",
    "table: a loss that is always NaN",
    "numbers: learning rate x 1e30",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_a_planted_number_ends_well_or_is_named(name: str, tmp_path: Path) -> None:
    (case,) = (each for each in CASES if each.name == name)
    assert run(case, tmp_path) == ""


def test_a_judge_can_fail(tmp_path: Path) -> None:
    assert run(Case("nothing is planted, and a telling is asked for", table, nothing), tmp_path) == "nothing was told"
