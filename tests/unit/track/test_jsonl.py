"""The two files of a run: complete, valid JSON, and rewound to a checkpoint without a trace."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tutelage.core import layout
from tutelage.core.errors import RunError
from tutelage.core.events import Decided, Evaluated, Event, Logged, Noted
from tutelage.track.jsonl import Jsonl, JsonlSink, read_records, truncate


def logged(step: int) -> Logged:
    return Logged(step=step, total_steps=100, epoch=step / 10, seconds=step / 2, metrics={"train/loss": 1 / step, "lr": 0.1})


def write(folder: Path, *events: Event) -> None:
    sink = JsonlSink(folder)
    for event in events:
        sink.take(event)
    sink.close()


def test_every_event_is_one_line_with_its_name(tmp_path: Path) -> None:
    write(tmp_path, Decided(key="optim", value="adamw", reason="safe", seconds=0.5), logged(10))
    assert read_records(tmp_path / layout.EVENTS) == [
        {"event": "Decided", "seconds": 0.5, "key": "optim", "value": "adamw", "reason": "safe"},
        {
            "event": "Logged", "seconds": 5.0, "step": 10, "total_steps": 100, "epoch": 1.0,
            "metrics": {"train/loss": 0.1, "lr": 0.1}, "steps_per_second": 0.0, "remaining_seconds": 0.0,
        },
    ]  # fmt: skip


def test_metrics_hold_one_flat_line_per_point(tmp_path: Path) -> None:
    evaluated = Evaluated(step=10, epoch=1.0, metrics={"validation/accuracy": 0.5}, is_best=True, seconds=6.0)
    write(tmp_path, Noted(message="no point"), logged(10), evaluated)
    assert read_records(tmp_path / layout.METRICS) == [
        {"train/loss": 0.1, "lr": 0.1, "step": 10, "epoch": 1.0, "seconds": 5.0},
        {"validation/accuracy": 0.5, "step": 10, "epoch": 1.0, "seconds": 6.0},
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan"), np.float32("inf")])
def test_a_number_that_is_not_finite_becomes_null(tmp_path: Path, value: float) -> None:
    write(tmp_path, Logged(step=1, total_steps=2, epoch=0.1, metrics={"train/loss": value}))
    for name in (layout.EVENTS, layout.METRICS):
        text = (tmp_path / name).read_text(encoding="utf-8")
        record = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
        assert record.get("metrics", record)["train/loss"] is None


def test_numbers_of_numpy_are_written_as_numbers(tmp_path: Path) -> None:
    write(tmp_path, Logged(step=1, total_steps=2, epoch=0.1, metrics={"a": np.float32(0.5), "b": np.int64(3)}))
    assert read_records(tmp_path / layout.METRICS)[0]["a"] == 0.5
    assert read_records(tmp_path / layout.METRICS)[0]["b"] == 3


def test_line_breaks_and_odd_characters_survive(tmp_path: Path) -> None:
    message = 'a\nb\u2028c "quoted" \U0001f600 \x00 \udcff'
    write(tmp_path, Noted(message=message))
    assert (tmp_path / layout.EVENTS).read_bytes().count(b"\n") == 1
    assert read_records(tmp_path / layout.EVENTS)[0]["message"] == message


def test_a_line_is_on_disk_as_soon_as_it_is_taken(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path)
    sink.take(Noted(message="now"))
    assert len(read_records(tmp_path / layout.EVENTS)) == 1
    sink.close()


def test_rewinding_gives_the_same_bytes_as_a_run_without_a_break(tmp_path: Path) -> None:
    events = [logged(step) for step in range(1, 21)]
    write(tmp_path / "straight", *events)
    sink = JsonlSink(tmp_path / "broken")
    for event in events[:10]:
        sink.take(event)
    sizes = {name: size for name, (size, _) in sink.seals().items()}
    for event in events[10:14]:
        sink.take(event)
    sink.close()
    resumed = JsonlSink(tmp_path / "broken")
    resumed.rewind(sizes)
    for event in events[10:]:
        resumed.take(event)
    resumed.close()
    for name in (layout.EVENTS, layout.METRICS):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_a_sink_can_be_rewound_while_it_is_open(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path)
    sink.take(logged(1))
    sizes = {name: size for name, (size, _) in sink.seals().items()}
    sink.take(logged(2))
    sink.rewind(sizes)
    sink.take(logged(3))
    sink.close()
    assert [record["step"] for record in read_records(tmp_path / layout.METRICS)] == [1, 3]


def test_rewinding_past_the_end_never_makes_a_file_longer(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path)
    sink.take(logged(1))
    size = (tmp_path / layout.EVENTS).stat().st_size
    sink.rewind({layout.EVENTS: 10 * size, "unknown": 3})
    sink.close()
    assert (tmp_path / layout.EVENTS).stat().st_size == size


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_last_line_that_was_cut_off_is_ignored_and_removed(tmp_path: Path, cut: int) -> None:
    write(tmp_path, logged(1), logged(2))
    path = tmp_path / layout.METRICS
    path.write_bytes(path.read_bytes()[:-cut])
    assert [record["step"] for record in read_records(path)] in ([1], [1, 2])
    write(tmp_path, logged(3))
    assert [record["step"] for record in read_records(path)] == [1, 3]


def test_truncating_inside_a_line_removes_the_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"aaa\nbbb\nccc\n")
    truncate(path, 9)
    assert path.read_bytes() == b"aaa\nbbb\n"
    truncate(path, 4)
    assert path.read_bytes() == b"aaa\n"
    truncate(path, 3)
    assert path.read_bytes() == b""
    truncate(path, 0)
    assert path.read_bytes() == b""


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"a": 1}\nnonsense\n{"a": 2}\n', encoding="utf-8")
    with pytest.raises(RunError, match="line 2"):
        read_records(path)
    path.write_text("[1]\n", encoding="utf-8")
    with pytest.raises(RunError, match="expected an object"):
        read_records(path)


def test_a_missing_file_is_empty(tmp_path: Path) -> None:
    assert read_records(tmp_path / "none.jsonl") == []


def test_taking_an_event_after_closing_does_nothing(tmp_path: Path) -> None:
    sink = Jsonl().open(tmp_path)
    sink.close()
    sink.take(logged(1))
    assert read_records(tmp_path / layout.EVENTS) == []
