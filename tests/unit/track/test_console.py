"""What people see: calm on a terminal, quiet in a log, nothing lost, nothing that steers the terminal."""

import io
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tutelage.core.events import (
    Corrected,
    Decided,
    Evaluated,
    Event,
    Finished,
    Logged,
    Noted,
    Restored,
    Resumed,
    Saved,
    Started,
    Warned,
)  # fmt: skip
from tutelage.track.console import Console, ConsoleSink, Mode
from tutelage.track.progress import Standing, progress_line, progress_text, say_metric
from tutelage.track.table import decision_lines

ESCAPES = re.compile(r"\x1b\[[0-9;]*[a-zA-Z]")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that goes on by `pace` seconds whenever the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def logged(step: int, **changes: float) -> Logged:
    metrics = {"train/loss": 0.3125, "lr": 0.001}
    return Logged(
        step=step, total_steps=1000, epoch=step / 100, metrics=metrics, steps_per_second=12.5, seconds=float(step),
        remaining_seconds=changes.get("left", 75.0),
    )  # fmt: skip


def show(
    stream: io.StringIO, *events: Event, mode: Mode = "auto", environment: Mapping[str, str] | None = None, pace: float = 1.0
) -> str:
    """Return what a sink writes when an event comes every `pace` seconds."""
    clock = Clock()
    sink = ConsoleSink(stream, mode=mode, now=clock, environment=environment or {})
    for event in events:
        clock.now += pace
        sink.take(event)
    sink.close()
    return stream.getvalue()


def test_a_log_file_gets_a_progress_line_at_most_every_fifteen_seconds() -> None:
    text = show(io.StringIO(), *[logged(step) for step in range(1, 61)])
    assert len(text.splitlines()) == 4
    assert "\r" not in text
    assert "\x1b" not in text
    assert text.splitlines()[0] == ("[0:01] step 1/1,000  epoch 0.0  loss 0.3125  lr 1.0e-03  12.5 steps/s  1 min 15 s left")


def test_the_bar_is_redrawn_at_most_ten_times_a_second() -> None:
    text = show(Terminal(), *[logged(step) for step in range(1, 1001)], pace=0.01)
    assert 90 <= text.count("\r") - 1 <= 101


def test_the_bar_leaves_nothing_behind() -> None:
    text = show(Terminal(), logged(500))
    assert text.endswith("\r\x1b[K")


def test_every_evaluation_decision_and_warning_reaches_a_log_file() -> None:
    evaluations = [Evaluated(step=n, epoch=n / 10, metrics={"validation/accuracy": n / 100}, is_best=True) for n in range(1, 9)]
    text = show(
        io.StringIO(), Decided(key="optim", value="adamw", reason="safe"), Warned(message="watch out"), *evaluations, pace=0.01
    )
    assert text.count("validation: accuracy") == 8
    assert "optim" in text
    assert "Warning: watch out" in text


def test_quiet_shows_warnings_and_the_end_only() -> None:
    text = show(
        io.StringIO(),
        Decided(key="optim", value="adamw", reason="safe"),
        Noted(message="fine"),
        started(),
        logged(1),
        Warned(message="careful"),
        Evaluated(step=1, epoch=0.1, metrics={"validation/loss": 1.0}, is_best=True),
        Restored(step=1, metric="validation/loss", score=1.0),
        Finished(step=9, stopped="patience", metrics={"test/accuracy": 0.9312}, seconds=200.0),
        mode="quiet",
    )  # fmt: skip
    assert text == (
        "Warning: careful\n"
        "Finished: no improvement for a while (early stopping), at step 9 after 3 min 20 s.\n"
        "  test/accuracy  0.9312\n"
    )  # fmt: skip


def started() -> Started:
    return Started(
        run="runs/digits-1", source="digits", task="classify", model="cnn", num_parameters=12345,
        num_train=1293, num_validation=144, num_test=0, device="cpu",
    )  # fmt: skip


def test_the_start_says_data_model_and_folder() -> None:
    text = show(io.StringIO(), started())
    assert "Training runs/digits-1" in text
    assert "digits: 1,293 train, 144 validation\n" in text
    assert "cnn (12,345 parameters), to classify, on cpu" in text


def test_rare_events_are_sentences() -> None:
    text = show(
        io.StringIO(),
        Corrected(step=5, total_steps=1900, reason="steps are slow"),
        Resumed(step=7, exact=True, reason=""),
        Resumed(step=8, exact=False, reason="another CPU"),
        Restored(step=9, metric="validation/accuracy", score=0.5),
        Saved(step=9, digest="x"),
    )  # fmt: skip
    assert text.splitlines() == [
        "[0:00] step 5  plan corrected to 1,900 steps: steps are slow",
        "[0:00] resumed at step 7, bit for bit",
        "[0:00] resumed at step 8, not bit for bit: another CPU",
        "[0:00] restored the best weights: step 9, accuracy 0.5000",
    ]


def test_colors_go_to_a_terminal_only_and_not_where_they_are_unwanted() -> None:
    warning = Warned(message="careful")
    assert "\x1b[1;33m" in show(Terminal(), warning)
    assert "\x1b" not in show(Terminal(), warning, environment={"NO_COLOR": "1"})
    assert "\x1b" not in show(Terminal(), warning, environment={"TERM": "dumb"})
    assert "\x1b" not in show(io.StringIO(), warning)


def test_the_bar_shows_the_best_score_of_the_best_weights() -> None:
    best = Evaluated(step=1, epoch=0.1, metrics={"validation/loss": 0.4, "validation/accuracy": 0.91}, is_best=True)
    worse = Evaluated(step=2, epoch=0.2, metrics={"validation/loss": 0.5, "validation/accuracy": 0.85}, is_best=False)
    text = show(io.StringIO(), best, worse, logged(3))
    assert "best accuracy 0.9100" in text.splitlines()[-1]


@pytest.mark.parametrize("message", ["\x1b[2J gone", "title \x1b]0;owned\x07", "a\r\nb", "\x9b31m", "back\b\b\bspace"])
def test_a_hostile_name_cannot_steer_the_terminal(message: str) -> None:
    text = show(
        Terminal(),
        Warned(message=message),
        Noted(message=message),
        Decided(key=message, value=message, reason=message),
        Evaluated(step=1, epoch=0.1, metrics={message: 1.0}, is_best=True),
        Finished(step=1, stopped=message, metrics={message: 1.0}),
        environment={"NO_COLOR": "1"},
    )  # fmt: skip
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)


def test_a_stream_without_unicode_gets_plain_signs() -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii", write_through=True)
    sink = ConsoleSink(stream, mode="live", now=Clock(), environment={})
    sink.take(Warned(message="caf\u00e9"))
    sink.take(logged(500))
    sink.close()
    assert b"caf?" in buffer.getvalue()
    assert b"#" in buffer.getvalue()


def test_a_closed_stream_does_not_stop_training() -> None:
    stream = io.StringIO()
    sink = ConsoleSink(stream, mode="lines", now=Clock(), environment={})
    stream.close()
    sink.take(Warned(message="nobody hears this"))
    sink.take(started())
    sink.close()


@pytest.mark.parametrize("width", range(20, 160, 7))
def test_the_bar_fits_any_width(width: int) -> None:
    line = progress_line(Standing(logged(420), "best accuracy 0.9312"), width=width, plain=False)
    assert len(line) <= width
    assert line.startswith(" 42%")


def test_the_time_left_is_the_last_fact_to_go() -> None:
    line = progress_line(Standing(logged(420), "best accuracy 0.9312"), width=32, plain=True)
    assert line == " 42% ####------  1 min 15 s left"


def test_an_endless_run_has_no_share() -> None:
    endless = Logged(step=5, total_steps=0, epoch=0.0)
    assert progress_line(Standing(endless, ""), width=60, plain=True).startswith("  0% ")
    assert progress_text(Standing(endless, "")) == "step 5/0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.93124, "0.9312"),
        (68420.7, "68,421"),
        (0.000012, "1.20e-05"),
        (0.0, "0.000"),
        (12.3456, "12.35"),
        (999.96, "1000"),
        (float("nan"), "not finite"),
    ],
)
def test_metrics_are_written_with_four_digits(value: float, text: str) -> None:
    assert say_metric(value) == text


def test_decisions_line_up_and_fit_the_width() -> None:
    rows = [("model", "cnn, residual", "few pictures " * 12), ("optim", "adamw", "safe"), ("note", "x " * 60, "")]
    for width in (64, 80, 110, 200):
        lines = decision_lines(rows, width=width)
        assert max(len(what + why) for what, why in lines) <= width
        assert len({len(what) for what, why in lines if why}) == 1


def test_a_value_without_a_reason_may_use_the_whole_width() -> None:
    rows = [("optim", "a " * 40, ""), ("model", "cnn", "because " * 3)]
    assert decision_lines(rows, width=100)[0] == ("  optim  " + ("a " * 40).strip(), "")


def test_a_narrow_terminal_shows_reasons_below() -> None:
    lines = decision_lines([("optim", "adamw, lr 0.001", "a safe default for networks of this size")], width=40)
    assert lines[0] == ("  optim: adamw, lr 0.001", "")
    assert " ".join(why for _, why in lines[1:]) == "a safe default for networks of this size"
    assert all(len(what + why) <= 40 for what, why in lines)


def test_no_decisions_is_no_table() -> None:
    assert decision_lines([], width=80) == []


def test_the_component_opens_a_sink_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    sink = Console(mode="lines").open(Path())
    sink.take(Warned(message="to standard error"))
    sink.close()
    assert capsys.readouterr() == ("", "Warning: to standard error\n")
