"""What people see: calm on a terminal, quiet in a log, nothing lost, nothing that steers the terminal."""

import io
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
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
    Sampled,
    Saved,
    Started,
    Warned,
)  # fmt: skip
from tutelage.track.console import Console, Mode
from tutelage.track.screen import Screen

REMOVED = "\r\x1b[1A\x1b[2K"
"""Back to the bar's line, and empty it."""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that goes on whenever the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def logged(step: int) -> Logged:
    return Logged(
        step=step, total_steps=1000, epoch=step / 100, metrics={"train/loss": 0.3125, "lr": 0.001}, steps_per_second=12.5,
        seconds=float(step), remaining_seconds=75.0,
    )  # fmt: skip


def evaluated(step: int, metrics: Mapping[str, float], *, is_best: bool = True, watched: str = "") -> Evaluated:
    return Evaluated(step=step, epoch=step / 10, metrics=metrics, is_best=is_best, watched=watched)


def started(*, num_train: int = 1293, num_validation: int = 144, unit: str = "rows", noun: str = "classification") -> Started:
    return Started(
        run="runs/digits-1", source="digits", task="classify", model="cnn", num_parameters=12345,
        num_train=num_train, num_validation=num_validation, num_test=0, device="cpu", unit=unit, noun=noun,
    )  # fmt: skip


def show(
    stream: io.StringIO, *events: Event, mode: Mode = "auto", environment: Mapping[str, str] | None = None, pace: float = 1.0
) -> str:
    """Return what a screen writes when an event comes every `pace` seconds."""
    clock = Clock()
    screen = Screen(stream, mode=mode, now=clock, environment={"COLUMNS": "80", **(environment or {})})
    for event in events:
        clock.now += pace
        screen.take(event)
    screen.close()
    return stream.getvalue()


def test_a_log_file_gets_a_progress_line_at_most_every_fifteen_seconds() -> None:
    text = show(io.StringIO(), *[logged(step) for step in range(1, 61)])
    assert len(text.splitlines()) == 4
    assert text.splitlines()[0] == "[0:01] step 1/1,000  loss 0.3125  lr 1.0e-03  12.5 steps/s  1 min 15 s left"


def test_a_log_file_is_plain_lines() -> None:
    reason = "the longest of all reasons " * 8
    decided = [Decided(key="optim", value="adamw", reason="safe"), Decided(key="clip", value="1", reason=reason)]
    scores = evaluated(1, {"validation/accuracy": 0.5, "validation/loss": 1.0})
    warned, finished = Warned(message="much " * 40), Finished(step=1, stopped="budget", metrics=scores.metrics)
    text = show(io.StringIO(), *decided, started(), logged(1), scores, warned, finished)
    assert not re.search(r"[\r\x1b]| $", text, flags=re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 110


def test_what_happens_stays_one_line_in_a_log_file() -> None:
    text = show(io.StringIO(), evaluated(7, {f"val/score_number_{place}": 1.0 for place in range(20)}))
    assert len(text.splitlines()) == 1


def test_the_bar_is_redrawn_at_most_ten_times_a_second() -> None:
    text = show(Terminal(), *[logged(step) for step in range(1, 1001)], pace=0.01)
    # Once more to be removed.
    assert 90 <= text.count("steps/s") - 1 <= 101


def test_the_bar_leaves_nothing_behind() -> None:
    assert show(Terminal(), logged(500)).endswith(REMOVED)


def test_the_bar_leaves_the_cursor_as_it_is() -> None:
    assert "\x1b[?25" not in show(Terminal(), logged(500), Warned(message="careful"))


def test_lines_are_written_above_the_bar() -> None:
    text = show(Terminal(), logged(500), Warned(message="careful"), environment={"NO_COLOR": "1"})
    assert re.search(r"\r\x1b\[2KWarning: careful *\n 50%", text)


def test_what_others_say_on_standard_error_is_written_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    screen = Screen(stream, environment={"COLUMNS": "80", "NO_COLOR": "1"})
    screen.take(logged(500))
    sys.stderr.write("UserWarning: a library's word\n")
    screen.close()
    assert re.search(r"\r\x1b\[2K[^\r]*UserWarning: a library's word *\n", stream.getvalue())
    assert sys.stderr is stream


def test_every_evaluation_decision_and_warning_reaches_a_log_file() -> None:
    evaluations = [evaluated(step, {"validation/error": step / 100}) for step in range(1, 9)]
    text = show(io.StringIO(), Decided(key="optim", value="adamw", reason="safe"), Warned(message="watch out"), *evaluations)
    assert text.count("validation: error") == 8
    assert "optim" in text
    assert "Warning: watch out" in text


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_evaluations_and_corrections_that_come_fast_are_told_about_once_a_second(stream: type[io.StringIO]) -> None:
    events: list[Event] = []
    for step in range(1, 201):
        correction = Corrected(step=step, total_steps=1000 + step, reason="steps are slow")
        events += [evaluated(step, {"validation/error": 0.5}, is_best=False), correction]
    text = show(stream(), *events, pace=0.01)
    assert 1 <= text.count("validation: error") <= 4
    assert 4 <= text.count("plan corrected") <= 5


def test_the_best_evaluation_of_a_fast_training_reaches_a_log_file() -> None:
    fast = [evaluated(step, {"validation/error": step / 100}, is_best=step in (2, 5)) for step in range(1, 9)]
    text = show(io.StringIO(), *fast, Finished(step=8, stopped="budget", metrics={}), pace=0.01)
    first, best, end = text.splitlines()
    assert "step 1 " in first
    assert "step 5 " in best
    assert best.endswith("best so far")
    assert end.startswith("Finished")
    # One of the second before is not lost to the next line.
    text = show(io.StringIO(), *fast, pace=0.15)
    assert [re.findall(r"step (\d)", line)[0] for line in text.splitlines()] == ["1", "5", "8"]


def test_quiet_shows_warnings_and_the_end_only() -> None:
    text = show(
        io.StringIO(),
        Decided(key="optim", value="adamw", reason="safe"),
        Noted(message="fine"),
        started(),
        logged(1),
        Warned(message="careful"),
        evaluated(1, {"validation/loss": 1.0}),
        Sampled(step=1, texts=("a text",)),
        Restored(step=1, metric="validation/loss", score=1.0),
        Finished(step=9, stopped="patience", metrics={"test/error": 0.9312}, seconds=200.0),
        mode="quiet",
    )  # fmt: skip
    assert text == (
        "Warning: careful\n"
        "Finished at step 9 after 3 min 20 s: no improvement for a while (early stopping).\n"
        "           test\n"
        "  error  0.9312\n"
    )  # fmt: skip


def test_the_start_says_data_model_task_and_folder() -> None:
    text = show(io.StringIO(), started())
    assert "Training runs/digits-1\n" in text
    assert "  data   digits: 1,293 train, 144 validation rows\n" in text
    assert "  model  cnn (12,345 parameters), classification, on cpu\n" in text


def test_metrics_are_called_and_written_as_the_start_says() -> None:
    start = replace(started(), titles={"hits": "accuracy"}, forms={"hits": "percent"})
    text = show(
        io.StringIO(), start, evaluated(1, {"val/hits": 0.5}), Finished(step=1, stopped="budget", metrics={"val/hits": 0.5})
    )
    assert "validation: accuracy 50.00 %" in text
    assert "  accuracy     50.00 %\n" in text


def test_a_task_without_a_noun_is_told_by_its_kind() -> None:
    assert "parameters), classify, on cpu" in show(io.StringIO(), started(noun=""))


def test_endless_data_have_no_sizes_but_their_own() -> None:
    assert "digits: 1 environment\n" in show(io.StringIO(), started(num_train=1, num_validation=0, unit="environments"))


def test_endless_data_have_no_epochs() -> None:
    never = Evaluated(step=7, epoch=0.0, metrics={"val/return": 1.0}, is_best=False)
    assert show(io.StringIO(), never) == "[0:00] step 7  validation: return 1.000\n"


def test_rare_events_are_sentences() -> None:
    text = show(
        io.StringIO(),
        Corrected(step=5, total_steps=1900, reason="steps are slow"),
        Resumed(step=7, exact=True, reason=""),
        Resumed(step=8, exact=False, reason="another CPU"),
        Restored(step=9, metric="validation/error", score=0.5),
        Saved(step=9, digest="x"),
    )  # fmt: skip
    assert text.splitlines() == [
        "[0:00] step 5  plan corrected to 1,900 steps: steps are slow",
        "[0:00] resumed at step 7, bit for bit",
        "[0:00] resumed at step 8, not bit for bit: another CPU",
        "[0:00] restored the best weights: step 9, error 0.5000",
    ]


@pytest.mark.parametrize(
    ("stopped", "said"),
    [
        ("budget", "the budget is used up."),
        ("diverged", "training diverged; the best weights before that are kept."),
        ("tired", "tired."),
    ],
)
def test_the_reason_to_stop_is_a_sentence(stopped: str, said: str) -> None:
    text = show(io.StringIO(), Finished(step=1200, stopped=stopped, metrics={}, seconds=41.0))
    assert text == f"Finished at step 1,200 after 41 s: {said}\n"


def test_colors_go_to_a_terminal_only_and_not_where_they_are_unwanted() -> None:
    warning = Warned(message="careful")
    assert "\x1b[1;33m" in show(Terminal(), warning)
    assert "\x1b" not in show(Terminal(), warning, environment={"NO_COLOR": "1"})
    assert "\x1b" not in show(Terminal(), warning, logged(1), environment={"TERM": "dumb"})
    assert "\x1b" not in show(io.StringIO(), warning)


def test_the_bar_shows_the_best_score_of_the_best_weights() -> None:
    best = evaluated(1, {"validation/loss": 0.4, "validation/hits": 0.91})
    worse = evaluated(2, {"validation/loss": 0.5, "validation/hits": 0.85}, is_best=False)
    assert "best hits 0.9100" in show(io.StringIO(), best, worse, logged(3)).splitlines()[-1]


def test_the_bar_shows_a_new_best_score_at_once() -> None:
    text = show(Terminal(), logged(500), evaluated(500, {"val/hits": 0.75}), environment={"COLUMNS": "120"}, pace=0.01)
    assert "best hits 0.7500" in text


def test_the_best_score_is_that_of_the_watched_metric() -> None:
    best = evaluated(1, {"val/hits": 0.91, "val/surprise": 0.25}, watched="val/surprise")
    assert "best surprise 0.2500" in show(io.StringIO(), best, logged(3)).splitlines()[-1]


def test_an_evaluation_that_measured_nothing_is_told() -> None:
    assert show(io.StringIO(), evaluated(3, {})) == "[0:00] step 3  epoch 0.3  best so far\n"


def test_a_fact_is_never_broken_between_lines() -> None:
    text = show(Terminal(), evaluated(12, {f"val/score_of_part_{place}": 0.5 for place in range(6)}))
    facts = [fact for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() for fact in line.strip().split("  ")]
    assert facts[3:7] == [f"score of part {place} 0.5000" for place in range(1, 5)]


def test_a_generated_text_is_shown_by_its_first_lines_and_now_and_then() -> None:
    text = "\nFirst " + "long " * 60 + "\n\n\tSecond\nThird\nFourth"
    shown = show(io.StringIO(), *[Sampled(step=step, texts=(text,)) for step in range(1, 60)])
    assert shown.count("the network writes") == 2
    lines = shown.splitlines()
    assert lines[0] == "[0:00] step 1  the network writes:"
    assert lines[1].startswith("       First long")
    assert lines[1].endswith("…")
    assert len(lines[1]) == 110
    assert lines[2:4] == ["       Second", "       Third"]
    assert "Fourth" not in shown


def test_generated_pictures_and_points_are_not_shown() -> None:
    assert (
        show(io.StringIO(), Sampled(step=1, png="abc"), Sampled(step=2, points=((0.0, 1.0),)), Sampled(step=3, texts=("",))) == ""
    )


@pytest.mark.parametrize(
    "message", ["\x1b[2J gone", "title \x1b]0;owned\x07", "a\r\nb", "\x9b31m", "back\b\b\bspace", "\u202eturned", "odd \udcff"]
)
def test_a_hostile_name_cannot_steer_the_terminal(message: str) -> None:
    text = show(
        Terminal(),
        Warned(message=message),
        Noted(message=message),
        Decided(key=message, value=message, reason=message),
        evaluated(1, {message: 1.0}),
        Sampled(step=1, texts=(message,)),
        Finished(step=1, stopped=message, metrics={message: 1.0}),
        environment={"NO_COLOR": "1"},
    )  # fmt: skip
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", text)


@pytest.mark.parametrize("name", ["[red]file[/red].csv", "[/]", ":smile:.png", "[link=http://a]b"])
def test_a_name_is_never_taken_for_markup(name: str) -> None:
    text = show(
        Terminal(), Warned(message=name), Decided(key="source", value=name, reason=name), logged(1), evaluated(1, {name: 0.5}),
        Finished(step=1, stopped=name, metrics={}),
    )  # fmt: skip
    # The last part of a metric's name is all that is shown of it.
    assert text.count(name) == (5 if "/" not in name else 4)


def test_numbers_and_paths_are_not_colored_by_themselves() -> None:
    warning = Warned(message="row 17 of '/tmp/a.csv' is None: 3.5")
    assert warning.message in show(Terminal(), warning)


def test_a_stream_without_unicode_gets_plain_signs() -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii", write_through=True)
    screen = Screen(stream, mode="live", now=Clock(), environment={})
    screen.take(Warned(message="caf\u00e9"))
    screen.take(logged(500))
    screen.close()
    assert b"caf\\xe9" in buffer.getvalue()
    assert b"50%  ------" in buffer.getvalue()


@pytest.mark.parametrize("mode", ["lines", "live"])
def test_a_closed_stream_does_not_stop_training(mode: Mode) -> None:
    stream = io.StringIO()
    screen = Screen(stream, mode=mode, now=Clock(), environment={})
    stream.close()
    for event in (Warned(message="nobody hears this"), started(), logged(1), Finished(step=1, stopped="budget", metrics={})):
        screen.take(event)
    screen.close()


def test_a_pipe_that_nobody_reads_does_not_stop_training() -> None:
    class Broken(Terminal):
        def flush(self) -> None:
            raise BrokenPipeError

    assert "careful" in show(Broken(), Warned(message="careful"), logged(1), started())


@pytest.mark.parametrize("columns", ["24", "40", "64", "80", "120"])
def test_nothing_is_wider_than_the_terminal(columns: str) -> None:
    text = show(
        Terminal(),
        Decided(key="stopping.patience", value="adamw (lr 0.001, momentum 0.9)", reason="a reason of some length " * 3),
        started(),
        Warned(message="a warning of some length " * 5),
        logged(420),
        evaluated(420, {"validation/error": 0.5, "validation/loss": 0.25}),
        Finished(step=420, stopped="patience", metrics={"validation/error": 0.5, "test/error": 0.5}),
        environment={"COLUMNS": columns, "NO_COLOR": "1"},
    )  # fmt: skip
    assert max(len(line) for line in re.split(r"\n|\r|\x1b\[\w+", text)) <= int(columns)


def test_the_component_opens_a_sink_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    sink = Console(mode="lines").open(Path())
    sink.take(Warned(message="to standard error"))
    sink.close()
    assert capsys.readouterr() == ("", "Warning: to standard error\n")


def test_settings_load_nothing_that_draws() -> None:
    code = "import sys, tutelage.track.console; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
