"""Every sink takes whatever can happen in a run, writes only where it should, and never fails a training."""

import dataclasses
import json
import math
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tutelage.core import catalog, events
from tutelage.core.errors import TutelageError
from tutelage.core.events import Event, Logged, Noted, Sink

KINDS = catalog.names("track")
CLASSES = [
    getattr(events, name)
    for name in events.__all__
    if isinstance(getattr(events, name), type) and issubclass(getattr(events, name), Event)
]
PLAIN: dict[Any, Any] = {
    int: 3,
    float: 0.5,
    str: "some text",
    bool: True,
    Mapping[str, float]: {"val/loss": 0.5, "lr": 1e-3},
    Mapping[str, str]: {"loss": "log loss", "accuracy": "percent"},
}
MEASURED = {"score": math.nan}
"""What comes out of a model may be anything; clocks and counts are numbers."""
NESTED: dict[str, Any] = {
    "tuple[str, ...]": ("a", "b"),
    "float | None": 0.25,
    "tuple[float, ...]": (0.0, 1.0),
    "tuple[tuple[float, float], ...]": ((0.0, 1.0), (2.0, 3.0)),
}
HOSTILE: dict[Any, Any] = {
    int: 2**60,
    float: 0.0,
    str: "\x1b[31m\n\x00 \ud800 " + "x" * 500,
    bool: False,
    Mapping[str, str]: {"": "\x1b[31m", "val/\x07": "\ud800", "loss": "[red]"},
    Mapping[str, float]: {"": math.inf, "val/\x07": -math.inf, "a/b/c": math.nan},
}


def example(kind: type[Event], values: Mapping[Any, Any]) -> Event:
    """An event of a class, each field filled by its type."""
    hints = typing.get_type_hints(kind)
    filled = {
        field.name: values[hints[field.name]] if hints[field.name] in values else NESTED[str(hints[field.name])]
        for field in dataclasses.fields(kind)
    }
    return kind(**filled | {name: MEASURED[name] for name in filled.keys() & MEASURED.keys() if values is HOSTILE})


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run folder, with every other place that a sink might write to watched."""
    for name in ("run", "elsewhere", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    yield tmp_path / "run"
    assert not list((tmp_path / "elsewhere").iterdir()), "it wrote into the working folder"
    assert not list((tmp_path / "home").iterdir()), "it wrote into the home folder"
    assert {path.name for path in tmp_path.iterdir()} == {"run", "elsewhere", "home"}


def opened(kind: str, folder: Path) -> Sink:
    """The sink, where what it needs is installed."""
    try:
        sink: Sink = catalog.load("track", kind)().open(folder)
    except TutelageError as error:
        if "pip install" not in str(error):
            raise
        pytest.skip("needs an extra, and says so")
    return sink


def test_the_events_are_found() -> None:
    assert {"Started", "Logged", "Evaluated", "Finished", "Sampled"} <= {kind.__name__ for kind in CLASSES}


@pytest.mark.parametrize("values", [PLAIN, HOSTILE], ids=["plain", "hostile"])
@pytest.mark.parametrize("event", CLASSES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_a_sink_takes_every_event_and_leaves_standard_output_alone(
    kind: str, event: type[Event], values: Mapping[Any, Any], run_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sink = opened(kind, run_folder)
    sink.take(example(event, values))
    sink.close()
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_run_is_taken_in_order_and_closed_twice(kind: str, run_folder: Path) -> None:
    sink = opened(kind, run_folder)
    for event in CLASSES:
        sink.take(example(event, PLAIN))
    sink.close()
    sink.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_sink_that_took_nothing_can_be_closed(kind: str, run_folder: Path) -> None:
    opened(kind, run_folder).close()


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_sink_has_written_stays_when_the_run_goes_on(kind: str, run_folder: Path) -> None:
    for message in ("before", "after"):
        sink = opened(kind, run_folder)
        sink.take(Noted(message=message))
        sink.take(Logged(step=1, total_steps=2, epoch=0.5, metrics={"train/loss": 1.0}))
        sink.close()
        if message == "before":
            sizes = {path: path.stat().st_size for path in run_folder.rglob("*") if path.is_file()}
    assert all(path.stat().st_size >= size for path, size in sizes.items())


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_is_not_changed_by_who_takes_it(kind: str, run_folder: Path) -> None:
    sink = opened(kind, run_folder)
    for event in CLASSES:
        taken = example(event, PLAIN)
        sink.take(taken)
        assert taken == example(event, PLAIN)
    sink.close()


@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_json_hold_no_number_that_json_lacks(kind: str, run_folder: Path) -> None:
    sink = opened(kind, run_folder)
    for event in CLASSES:
        sink.take(example(event, HOSTILE))
    sink.close()
    for path in run_folder.rglob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
