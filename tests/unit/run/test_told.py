"""A forecast is kept in the state, and read back from it, whatever was done to the file since."""

from typing import Any

import pytest

from tutelage.run.told import KEPT, Told, told_before

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


@pytest.mark.parametrize("kept", [None, 3, {}, [], {**TOLD.record(), "seconds": -1}, {**TOLD.record(), "parts": {"steps": "x"}}])
def test_what_was_damaged_counts_as_nothing(kept: Any) -> None:
    assert told_before({KEPT: kept}) is None
    assert told_before({}) is None
