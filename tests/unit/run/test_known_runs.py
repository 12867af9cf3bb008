"""What a training took is remembered, and read back where it is still what was written."""

from pathlib import Path
from typing import Any

import pytest

from tutelage.core.shape.array import ArrayShape
from tutelage.foresight.history import History
from tutelage.foresight.pace import Pace
from tutelage.foresight.run_time import Measured
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import recipe_from
from tutelage.run.known_runs import known_run, known_runs, remember
from tutelage.training.resolve import resolve

MACHINE = Machine("cpu", "Test", 1, "amx", 6.0, 300.0)
FACTS = Facts("array", ArrayShape(sizes=(16,)), 900, 100, 200, "classify", (300, 300, 300), MACHINE, is_own_model=True)


def plan(**wishes: object) -> Plan:
    return resolve(recipe_from(wishes, where="test"), FACTS, own_model="Net")


def test_what_was_remembered_is_read_back() -> None:
    known = Measured({"reading": 1.0}, Pace(0.1, spread=0.02, num_steps=100), evaluation=0.5)
    record = {name: getattr(known, name) for name in ("once", "opening", "first_evaluation", "evaluation", "checkpoint")}
    record |= {"pace": known.pace.record(), "evaluation_spread": 0.1}
    found = known_run(record)
    assert found is not None
    assert (found.pace, dict(found.once), found.how) == (known.pace, {"reading": 1.0}, "known")


@pytest.mark.parametrize("seconds", [None, "a", -1, 1e308, float("nan"), 10**400, 1e-300, 5e-324])
def test_an_odd_pace_counts_as_nothing(seconds: Any) -> None:
    record = {"once": {}, "opening": None, "first_evaluation": 0, "evaluation": 0, "evaluation_spread": 0, "checkpoint": 0}
    assert known_run({**record, "pace": {"seconds": 1.0}}) is not None
    assert known_run({**record, "pace": {"seconds": seconds}}) is None


@pytest.mark.parametrize("name", ["\x1b[2J", "\ud800", "a\nb", "x" * 1000, "\u202e"])
def test_a_part_whose_name_cannot_be_shown_counts_as_nothing(name: str) -> None:
    record = {"opening": None, "first_evaluation": 0, "evaluation": 0, "evaluation_spread": 0, "checkpoint": 0}
    record |= {"pace": {"seconds": 1.0}}
    assert known_run({**record, "once": {"reading": 1.0}}) is not None
    assert known_run({**record, "once": {name: 1.0}}) is None


def test_a_run_of_more_parts_than_any_has_counts_as_nothing() -> None:
    record = {"opening": None, "first_evaluation": 0, "evaluation": 0, "evaluation_spread": 0, "checkpoint": 0}
    record |= {"pace": {"seconds": 1.0}, "once": {f"part {number}": 1.0 for number in range(120)}}
    assert known_run(record) is None


@pytest.mark.parametrize("record", [{}, {"once": 3}, {"once": {}, "pace": {"seconds": 1, "odd": 2}, "opening": None}])
def test_what_cannot_be_read_back_counts_as_nothing(record: dict[str, Any]) -> None:
    assert known_run(record) is None


def test_the_pace_of_few_steps_is_unsure() -> None:
    record = {"once": {}, "opening": None, "first_evaluation": 0, "evaluation": 0, "evaluation_spread": 0, "checkpoint": 0}
    spreads = []
    for steps in (2, 400):
        found = known_run({**record, "pace": {"seconds": 1.0, "spread": 0.02, "num_steps": steps}})
        assert found is not None
        spreads.append(found.pace.spread)
    assert spreads == [0.5, 0.02]


def test_equal_trainings_are_known_the_newest_first_whatever_their_steps(tmp_path: Path) -> None:
    history = History(tmp_path)
    for number in range(10):
        remember(plan(budget={"steps": 100 + number}), Measured({}, Pace(1.0 + number, num_steps=100)), history)
    remember(plan(batch_size=7), Measured({}, Pace(99.0, num_steps=100)), history)
    found = known_runs(plan(budget={"steps": 5}), history)
    assert [each.pace.seconds for each in found] == [10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0]


def test_a_training_whose_steps_took_no_time_is_not_known(tmp_path: Path) -> None:
    history = History(tmp_path)
    remember(plan(), Measured({}, Pace(0.0, num_steps=100)), history)
    assert known_runs(plan(), history) == []
