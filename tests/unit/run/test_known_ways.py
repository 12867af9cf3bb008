"""A way of computing that is remembered counts only where trying could have found it: the file may be of another hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from tutelage.core.cache_folder import cache_folder
from tutelage.foresight.history import History
from tutelage.planning.facts import Machine
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import recipe_from
from tutelage.run.known_ways import KnownWays
from tutelage.run.start import Request, plan_training

MACHINE = Machine("cpu", "Test", 2, "amx", 6.0, 300.0)
PLAIN = {"precision": "float32", "memory_format": "contiguous", "compile": "none", "num_threads": 0, "num_micro": 1}
ROUNDED = {**PLAIN, "precision": "bfloat16"}


def kept(way: dict[str, Any], /, **changes: Any) -> dict[str, Any]:
    """Return what is remembered of a way."""
    tried = [{**PLAIN, "step_seconds": 0.1}, {**way, "step_seconds": 0.05}]
    execution = {"memory_format": way["memory_format"], "num_threads": way["num_threads"], "tried": tried}
    return {"way": way, "execution": execution, "allowed": 1e6, "is_complete": True, **changes}


def asked(record: dict[str, Any], *, machine: Machine = MACHINE, **wishes: Any) -> str:
    """Return the precision that is remembered once a record was; "" where nothing counts."""
    recipe = recipe_from({"budget": {"steps": 3}, **wishes}, where="test")
    drawn = np.random.default_rng(0)
    data = drawn.normal(size=(60, 4)).astype(np.float32), drawn.integers(0, 3, 60)
    plan, gathered, _ = plan_training(Request(recipe, data=data, module=nn.Linear(4, 3), machine=machine))
    known = KnownWays(_long(plan), gathered.data, recipe, machine)
    History(cache_folder()).add({"key": known._key, "measured": record})
    found = known.found()
    return "" if found is None else found[0].precision


def _long(plan: Plan) -> Plan:
    return plan.but(total_steps=10**6)


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))


def test_what_was_found_is_taken_again() -> None:
    assert asked(kept(PLAIN)) == "float32"
    assert asked(kept(ROUNDED)) == "bfloat16"
    assert asked(kept(ROUNDED | {"num_threads": 1, "num_micro": 2})) == "bfloat16"


@pytest.mark.parametrize(
    "record",
    [
        kept(ROUNDED, is_complete="no"),
        kept(ROUNDED, allowed="1e6"),
        kept(ROUNDED, allowed=True),
        kept(ROUNDED, way=PLAIN | {"num_threads": 1}),
        kept(PLAIN, execution={"tried": []}),
        kept(PLAIN, execution={"tried": [{**PLAIN, "step_seconds": 0.1}], "memory_format": "channels_last"}),
        kept(ROUNDED | {"num_threads": 60_000}),
        kept(ROUNDED | {"num_micro": 10**6}),
        kept(ROUNDED | {"compile": "inductor"}),
    ],
)
def test_what_no_trial_could_have_found_counts_as_nothing(record: dict[str, Any]) -> None:
    assert asked(record) == ""


def test_a_machine_that_rounds_nothing_takes_no_rounded_way() -> None:
    assert asked(kept(ROUNDED), machine=Machine("cpu", "Test", 2, "", 0.0, 300.0)) == ""


@pytest.mark.parametrize("wishes", [{"precision": "float32"}, {"memory_format": "channels_last"}, {"threads": 1}])
def test_what_the_user_says_stays(wishes: dict[str, Any]) -> None:
    assert asked(kept(ROUNDED), **wishes) == ""
