"""A forecast is kept in the state, and read back from it, whatever was done to the file since."""

from typing import Any

import pytest

from tutelage.foresight.told import KEPT, Second, Told, told_before

TOLD = Told(
    seconds=100.0,
    interval_50=(98.0, 103.0),
    interval_80=(95.0, 108.0),
    how="timed",
    spread=0.05,
    parts={"before": 5.0, "steps": 80.0, "evaluations": 10.0, "scoring": 4.0, "ending": 1.0},
    step_seconds=0.1,
    evaluation_seconds=1.0,
)


def test_a_forecast_is_read_back() -> None:
    assert told_before({KEPT: TOLD.record()}) == TOLD


@pytest.mark.parametrize("kept", [None, 3, "x", {}, []])
def test_what_was_damaged_counts_as_nothing(kept: Any) -> None:
    assert told_before({KEPT: kept}) is None
    assert told_before({}) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("seconds", None), ("seconds", -1), ("seconds", float("nan")), ("interval_80", [1]), ("interval_80", 5), ("how", 5),
     ("spread", "wide"), ("parts", {"steps": []}), ("parts", {"steps": "x"}), ("parts", [1]), ("seconds", "7"), ("seconds", True),
     ("how", "\ud800"), ("parts", {"\x1b[2J": 1.0}), ("parts", {"\ud800": 1.0}), ("parts", {"x" * 100: 1.0}),
     ("second", {"step": 1, "seconds": 1.0, "interval_80": [1.0, 2.0], "endings": {"steps": 10**400}})],
)  # fmt: skip
def test_an_odd_value_counts_as_nothing_told(key: str, value: Any) -> None:
    assert told_before({KEPT: {**TOLD.record(), key: value}}) is None


def test_what_was_told_later_is_read_back() -> None:
    endings = {"steps": 40, "steps_50": (30, 50), "early": 0.25, "never": None}
    told = TOLD.model_copy(update={"second": Second(step=10, seconds=60.0, interval_80=(50.0, 70.0), endings=endings)})
    assert told_before({KEPT: told.record()}) == told
