"""A forecast that a checkpoint keeps is read back, or counts as none."""

from typing import Any

import pytest

from tutelage.foresight.told import told_from

RECORD = {"seconds": 2.5, "interval_80": [2.0, 3.0], "how": "timed", "spread": 0.1, "parts": {"steps": 2.0}}


def test_what_was_told_is_read_back() -> None:
    told = told_from(RECORD)
    assert told is not None
    assert told.model_dump(mode="json") == RECORD


@pytest.mark.parametrize(
    ("key", "value"),
    [("seconds", None), ("seconds", -1), ("seconds", float("nan")), ("interval_80", [1]), ("interval_80", 5), ("how", 5),
     ("spread", "wide"), ("parts", {"steps": []}), ("parts", [1])],
)  # fmt: skip
def test_an_odd_value_counts_as_nothing_told(key: str, value: Any) -> None:
    assert told_from({**RECORD, key: value}) is None


@pytest.mark.parametrize("record", [None, [], "x", {}])
def test_no_record_counts_as_nothing_told(record: Any) -> None:
    assert told_from(record) is None
