"""A fast sample of the attack with awkward tables, two of each kind; all of it: python -m tests.attack tables."""

from itertools import groupby
from pathlib import Path

import pytest

from tests.attack.table_case import Case
from tests.attack.tables import all_cases, judge
from tests.attack.verdict import BAD, Ending

SLOW = ("huge", "10000")
CASES = all_cases()
KINDS = groupby((case for case in CASES if not case.name.startswith(SLOW)), key=lambda case: case.kind)
SAMPLE = [case for _, cases in KINDS for case in list(cases)[1::9]]


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: f"{case.kind}-{case.name}")
def test_an_awkward_table_is_read_rightly_or_told_of(case: Case, tmp_path: Path) -> None:
    verdict = judge(case, tmp_path)
    assert verdict.ending not in BAD, f"{verdict.ending}: {verdict.seen}"


def test_a_row_that_is_lost_in_silence_is_found_out(tmp_path: Path) -> None:
    right = next(case for case in CASES if case.name == "comma-lf")
    assert judge(right, tmp_path).ending is Ending.RIGHT
    lost = Case("lost", right.content, num_rows=41, values=right.values)
    assert judge(lost, tmp_path).ending is Ending.SILENT
    missing = Case("missing", "a,y\n1,x\n,z\n", num_rows=2)
    assert "1 cells are missing" in judge(missing, tmp_path).seen


def test_there_are_many_cases_and_each_has_a_name_of_its_own() -> None:
    assert len(CASES) >= 250
    assert len({(case.kind, case.name) for case in CASES}) == len(CASES)
