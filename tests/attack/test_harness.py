"""The harness of the attack counts nothing as well that it has not seen."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import tests.attack.__main__ as harness
from tests.attack import faults, mutants
from tests.attack.__main__ import attacks, spread
from tests.attack.case import Case
from tests.attack.runs import Answers, Reference
from tests.attack.verdict import Ending, Verdict

ROOT = Path(__file__).parents[2]
GROUND = faults.Ground(Path(), "", ())
NOTHING = Answers(None, None, None)


@pytest.mark.parametrize(
    ("code", "must_fire", "ending"), [(0, True, Ending.UNCLEAR), (0, False, Ending.RIGHT), (2, False, Ending.UNCLEAR)]
)
def test_a_fault_that_never_came_tried_nothing(
    code: int, must_fire: bool, ending: Ending, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def started(_verb: str, _ground: faults.Ground) -> Iterator[Path]:
        yield tmp_path

    monkeypatch.setattr(faults, "_started", started)
    monkeypatch.setattr(faults, "run_command", lambda *_: faults.End(code, "", (), 40))
    case = faults.Case("report", 99, "EIO", lasting=False)
    assert faults._tried(case, GROUND, tmp_path, must_fire=must_fire).ending is ending


@pytest.mark.parametrize(
    ("found", "ending"),
    [
        (Ending.SILENT, Ending.RIGHT),
        (Ending.STUCK, Ending.RIGHT),
        (Ending.HANG, Ending.HANG),
        (Ending.UNCLEAR, Ending.UNCLEAR),
        (Ending.TRACEBACK, Ending.TRACEBACK),
        (Ending.RIGHT, Ending.SILENT),
    ],
)
def test_a_mutant_is_caught_by_what_it_loses_alone(
    found: Ending, ending: Ending, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutants, "undisturbed", lambda *_, **__: Reference(tmp_path, "table", {}, NOTHING))
    monkeypatch.setattr(mutants, "chain", lambda *_, **__: Verdict(found))
    monkeypatch.setattr(mutants, "at", lambda *_, **__: Verdict(found))
    for number, attack in enumerate((mutants._by_chains, mutants._by_births)):
        place = tmp_path / str(number)
        place.mkdir()
        words = ("table",) if attack is mutants._by_chains else ()
        assert attack(*words, lambda: None, place).ending is ending


def test_a_spread_has_one_case_of_each_group_and_every_kind() -> None:
    cases = [Case(f"{file} {kind}", lambda _folder: Verdict(Ending.RIGHT)) for file in range(60) for kind in range(15)]
    found = [case.name for case in spread(cases, 15)]
    assert [name.split()[0] for name in found] == [str(file) for file in range(60)]
    assert len({name.split()[1] for name in found}) > 10
    assert spread(cases, 1) == cases


def test_kinds_are_told_where_no_package_is_installed() -> None:
    helped = _without_packages("--help")
    assert helped.returncode == 0, helped.stderr
    assert all(kind in helped.stdout for kind in ("chains", "memory", "power_loss"))
    assert attacks() == sorted(attacks())
    assert not [kind for kind in attacks() if kind.startswith("test_")]


def test_a_missing_package_is_named_with_what_to_install() -> None:
    refused = _without_packages("flips")
    assert refused.returncode == 2
    assert "is missing" in refused.stderr
    assert "pip install -e '.[dev]'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_numbers_of_cases_begin_at_one() -> None:
    refused = _without_packages("flips", "--every", "0")
    assert refused.returncode == 2
    assert "'0', expected a whole number from 1 on" in refused.stderr


def test_no_case_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "CASES", [])
    assert harness.attack("memory", is_sample=False, only="there is no such case", jobs=1) == 1


def _without_packages(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run the harness by an interpreter that finds nothing that was installed."""
    command = [sys.executable, "-S", "-E", "-m", "tests.attack", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
