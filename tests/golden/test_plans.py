"""The plans that auto makes for typical data stay as they are, unless a change says so in CHANGELOG.md.

To write the files anew after such a change: TUTELAGE_GOLDEN=write pytest tests/golden
"""

import json
import os
from pathlib import Path

import pytest

from tutelage.core.shape.array import ArrayShape
from tutelage.core.shape.image import ImageShape
from tutelage.core.shape.table import TableShape
from tutelage.planning.facts import Facts, Machine
from tutelage.planning.recipe import recipe_from
from tutelage.training.resolve import resolve

MACHINE = Machine("cpu", "Test", 2, "amx", 6.0, 300.0)
CASES = {
    "photos": Facts(
        "image",
        ImageShape(channels=3, height=96, width=96),
        1800,
        200,
        2000,
        "classify",
        (900, 900),
        MACHINE,
        traits={"mirror": "yes"},
    ),
    "small_images": Facts(
        "image",
        ImageShape(channels=1, height=28, width=28),
        54_000,
        6_000,
        10_000,
        "classify",
        (5400,) * 10,
        MACHINE,
        traits={"mirror": "yes"},
    ),
    "tiny_images": Facts(
        "image",
        ImageShape(channels=1, height=8, width=8),
        1294,
        144,
        359,
        "classify",
        (130,) * 10,
        MACHINE,
        traits={"mirror": "no"},
    ),
    "large_table": Facts(
        "table", TableShape(numbers=6, cardinalities=(9, 16, 7)), 29_000, 3_200, 16_000, "classify", (22_000, 7_000), MACHINE
    ),
    "regression_table": Facts("table", TableShape(numbers=9, cardinalities=(6,)), 14_900, 1_600, 4_100, "regress", (), MACHINE),
    "small_table": Facts("table", TableShape(numbers=6, cardinalities=(3, 4)), 640, 71, 178, "classify", (400, 240), MACHINE),
    "own_arrays": Facts("array", ArrayShape(sizes=(16,)), 900, 100, 200, "classify", (300, 300, 300), MACHINE, is_own_model=True),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_plan_is_as_it_was(name: str) -> None:
    facts = CASES[name]
    plan = resolve(recipe_from({}, where="golden"), facts, own_model="Net" if facts.is_own_model else "").to_record()
    path = Path(__file__).with_name(f"plan_{name}.json")
    if os.environ.get("TUTELAGE_GOLDEN") == "write":
        path.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
    assert plan == json.loads(path.read_text(encoding="utf-8"))
