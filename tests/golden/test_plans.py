"""The plans that auto makes for typical data stay as they are, unless a change says so in CHANGELOG.md.

To write the files anew after such a change: TUTELAGE_GOLDEN=write pytest tests/golden
"""

import json
import os
from pathlib import Path

import pytest

from tutelage.core.schema import ArrayShape, ImageShape, TableShape
from tutelage.training.facts import Facts, Machine
from tutelage.training.recipe import recipe_from
from tutelage.training.resolve import resolve

MACHINE = Machine("cpu", "Test", 2, "amx", 6.0, 300.0)
CASES = {
    "photos": Facts("image", ImageShape(3, 96, 96), 1800, 200, 2000, "classify", (900, 900), MACHINE, mirror="yes"),
    "small_images": Facts("image", ImageShape(1, 28, 28), 54_000, 6_000, 10_000, "classify", (5400,) * 10, MACHINE, mirror="yes"),
    "tiny_images": Facts("image", ImageShape(1, 8, 8), 1294, 144, 359, "classify", (130,) * 10, MACHINE, mirror="no"),
    "large_table": Facts("table", TableShape(6, (9, 16, 7)), 29_000, 3_200, 16_000, "classify", (22_000, 7_000), MACHINE),
    "regression_table": Facts("table", TableShape(9, (6,)), 14_900, 1_600, 4_100, "regress", (), MACHINE),
    "small_table": Facts("table", TableShape(6, (3, 4)), 640, 71, 178, "classify", (400, 240), MACHINE),
    "own_arrays": Facts("array", ArrayShape((16,)), 900, 100, 200, "classify", (300, 300, 300), MACHINE, is_own_model=True),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_plan_is_as_it_was(name: str) -> None:
    facts = CASES[name]
    plan = resolve(recipe_from({}, where="golden"), facts, own_model="Net" if facts.is_own_model else "").to_record()
    path = Path(__file__).with_name(f"plan_{name}.json")
    if os.environ.get("TUTELAGE_GOLDEN") == "write":
        path.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
    assert plan == json.loads(path.read_text(encoding="utf-8"))
