"""What a report knows of a run: each section reads its own slice, and damage costs only the damaged key."""

import json
from pathlib import Path
from typing import Any

import pytest

from tutelage.core import layout
from tutelage.core.manifest import Manifest, hash_file
from tutelage.report.record import Count, Number, Record, RunRecord, Text, read_run
from tutelage.report.value import as_number, as_text, as_whole


class Slice(Record):
    name: Text = ""
    size: Count = 0
    score: Number = None


def run_with(folder: Path, *, events: tuple[dict[str, Any], ...] = (), **result: Any) -> RunRecord:
    Manifest(folder).put_json(layout.RESULT, result)
    lines = "".join(json.dumps(event) + "\n" for event in events).encode()
    (folder / layout.EVENTS).write_bytes(lines)
    Manifest(folder).seal({layout.EVENTS: (len(lines), hash_file(folder / layout.EVENTS))})
    return read_run(folder)


def test_a_section_reads_its_own_slice(tmp_path: Path) -> None:
    run = run_with(tmp_path, name="a", size=3, other="ignored")
    assert run.read(Slice) == Slice(name="a", size=3)
    assert run.read(Slice, layout.DATA) == Slice()
    assert run.problems == ()
    assert run.is_finished


def test_a_value_that_does_not_fit_costs_only_its_own_key(tmp_path: Path) -> None:
    run = run_with(tmp_path, name="a", size=-1, score="high")
    assert run.read(Slice) == Slice(name="a")
    run.read(Slice)
    assert run.problems == ("result.json: not as expected and left out: score, size.",)


def test_events_of_a_kind_are_read_as_records(tmp_path: Path) -> None:
    events = ({"event": "Made", "name": "a"}, {"event": "Other"}, {"event": "Made", "name": "b", "size": "many"})
    run = run_with(tmp_path, events=events)
    assert [item.name for item in run.read_events(Slice, "Made")] == ["a", "b"]
    assert run.problems == ("events.jsonl: not as expected and left out: size.",)


def test_the_kept_step_comes_from_the_events_where_there_is_no_result(tmp_path: Path) -> None:
    events = ({"event": "Evaluated", "step": 4, "is_best": True}, {"event": "Evaluated", "step": 8, "is_best": False})
    assert run_with(tmp_path, events=events).kept_step == 4
    assert run_with(tmp_path, events=events, best_step=8).kept_step == 8
    assert run_with(tmp_path).kept_step is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), ("a", "a"), (0.5, "0.5"), ([1, [2, [3, [4]]]], "1, 2, 3, ..."), ({"a": None}, "a: "), ("\ud800", "?"),
     (list(range(60)), ", ".join(map(str, range(50))) + ", ...")],
)  # fmt: skip
def test_any_value_has_a_text(value: Any, text: str) -> None:
    assert as_text(value) == text


def test_only_numbers_that_can_be_drawn_are_numbers() -> None:
    assert [as_number(value) for value in (1, 0.5, True, "1", None, float("nan"), 10**400, 1e300, [1])] == [
        1.0, 0.5, None, None, None, None, None, None, None,
    ]  # fmt: skip
    assert [as_whole(value) for value in (3, 3.0, True, 10**400)] == [3, None, None, None]
