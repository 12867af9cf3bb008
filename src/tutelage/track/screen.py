"""The sink behind the console: turns events into text and a bar."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TextIO, cast

from rich.file_proxy import FileProxy
from rich.live import Live
from rich.text import Text

from tutelage.core.amount import say_seconds, say_sizes
from tutelage.core.events import (
    Corrected,
    Decided,
    Evaluated,
    Event,
    Finished,
    Forecast,
    ForecastScored,
    Logged,
    Noted,
    Restored,
    Resumed,
    Sampled,
    Started,
    Warned,
)  # fmt: skip
from tutelage.core.outlet import Outlet
from tutelage.track.mode import Mode
from tutelage.track.progress import LEAST_EPOCH, Progress
from tutelage.track.score import Scores
from tutelage.track.table import GAP, decision_table, hanging, packed, score_table
from tutelage.track.terminal import open_terminal, plain

__all__ = ["Screen"]

REDRAW_S = 0.1
"""Shortest time between two pictures of the bar."""
LINE_S = 15.0
"""Shortest time between two progress lines where there is no bar."""
KEPT_S = 5.0
"""Shortest time between two evaluation lines that stay above the bar; the bar itself always shows the best."""
LOGGED_S = 1.0
"""Shortest time between two evaluation lines in a log, and between two corrections of the plan anywhere; the run's folder has
them all."""
SAMPLE_S = 30.0
"""Shortest time between two generated texts."""
SAMPLE_LINES = 3
"""Lines shown of a generated text."""
BEST = "best so far"
GUESSING = "not clearly better than guessing"
FORECASTS = {
    "known": "as known of equal runs",
    "contradicted": "by its first steps: equal runs before went at another pace",
    "timed": "by a few steps",
    "curve": "by the curve so far",
}
STOPPED = {
    "budget": "the budget is used up",
    "patience": "no improvement for a while (early stopping)",
    "target": "the target is reached",
    "diverged": "training diverged; the best weights before that are kept",
    "interrupted": "interrupted",
    "terminated": "terminated",
}


class Screen:
    """Shows events on a stream.

    Args:
        stream: Where to write.
        mode: See `Console`.
        now: A clock in seconds.
        environment: Environment variables: `NO_COLOR` turns colors off, `TERM=dumb` the bar.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        mode: Mode = "auto",
        now: Callable[[], float] = time.monotonic,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._terminal = open_terminal(stream, environment=environment, is_forced=mode == "live")
        self._mode: Mode = ("live" if self._terminal.is_terminal else "lines") if mode == "auto" else mode
        # What others say on the same stream, such as warnings of libraries, is put above the bar.
        self._is_shared = stream is sys.stderr
        self._now = now
        self._decisions: list[Decided] = []
        self._best = ""
        self._held: tuple[Evaluated, Text] | None = None
        self._scores = Scores()
        self._progress: Progress | None = None
        self._live: Live | None = None
        self._last = dict.fromkeys(("bar", "line", "kept", "corrected", "sample"), float("-inf"))

    def take(self, event: Event) -> None:
        """Show one event, where it is worth showing."""
        if isinstance(event, Decided):
            self._decisions.append(event)
            return
        self._show_decisions()
        if isinstance(event, Started):
            self._scores = Scores(event.titles, event.forms)
        if isinstance(event, Restored | Finished):
            self._say_held()
        match event:
            case Logged():
                self._show_progress(event)
            case Evaluated():
                self._show_evaluation(event)
            case Finished():
                self._show_end(event)
            case Warned():
                self._terminal.print(hanging((plain("Warning:", "bold yellow"), plain(event.message))))
            case Started() if self._mode != "quiet":
                self._show_start(event)
            case Noted() if self._mode != "quiet":
                self._terminal.print(hanging((plain("Note:", "dim"), plain(event.message))))
            case Sampled() if self._mode != "quiet" and event.texts:
                self._show_sample(event)
            case Corrected() if self._mode != "quiet" and self._is_due("corrected", LOGGED_S):
                self._say(event.seconds, plain(self._sentence(event)))
            case Resumed() | Restored() | Forecast() | ForecastScored() if self._mode != "quiet":
                self._say(event.seconds, plain(self._sentence(event)))
            case _:
                pass

    def close(self) -> None:
        """Remove the bar; lines already written stay."""
        self._show_decisions()
        self._remove_bar()

    def _show_decisions(self) -> None:
        decisions, self._decisions = self._decisions, []
        if not decisions or self._mode == "quiet":
            return
        self._terminal.print(plain("Decided", "bold"))
        rows = [(item.key, item.value, item.reason) for item in decisions]
        self._terminal.print(decision_table(rows, width=self._terminal.width))
        self._terminal.print()

    def _show_start(self, event: Started) -> None:
        sizes = {"train": event.num_train, "validation": event.num_validation, "test": event.num_test}
        model = f"{event.model} ({event.num_parameters:,} parameters)"
        self._terminal.print(plain(f"Training {event.run}", "bold"), soft_wrap=True)
        self._terminal.print(
            hanging(
                (plain("  data  "), plain(f"{event.source}: {say_sizes(sizes, event.unit)}")),
                (plain("  model "), plain(f"{model}, {event.noun or event.task}, on {event.device}")),
            )
        )
        self._terminal.print()

    def _show_progress(self, event: Logged) -> None:
        self._progress = progress = Progress(event, self._best)
        if self._mode == "live" and self._is_due("bar", REDRAW_S):
            self._draw(progress)
        elif self._mode == "lines" and self._is_due("line", LINE_S):
            clock = _clock(event.seconds)
            self._say(event.seconds, plain(progress.say(self._terminal.width - len(clock) - 1)))

    def _show_evaluation(self, event: Evaluated) -> None:
        verdict = self._judge(event)
        if verdict.plain == BEST and self._live is not None and self._progress is not None:
            self._draw(replace(self._progress, best=self._best))
        if self._mode == "quiet":
            return
        if self._is_due("kept", KEPT_S if self._mode == "live" else LOGGED_S):
            if self._held is not None and self._held[1].plain == BEST != verdict.plain:
                self._say_held()
            self._held = None
            self._say_evaluation(event, verdict)
        elif self._mode == "lines" and (verdict.plain == BEST or self._held is None or self._held[1].plain != BEST):
            self._held = event, verdict

    def _say_evaluation(self, event: Evaluated, verdict: Text) -> None:
        scores = [self._scores.say(key, value) for key, value in event.metrics.items()]
        epoch = [f"epoch {event.epoch:.1f}"] if event.epoch >= LEAST_EPOCH else []
        facts = [f"step {event.step:,}", *epoch, *(f"validation: {score}" for score in scores[:1]), *scores[1:]]
        self._say(event.seconds, *map(plain, facts), *([verdict] if verdict else []))

    def _say_held(self) -> None:
        """Write the best, or else the last, of the evaluations that came too fast for a log, once training has ended."""
        held, self._held = self._held, None
        if held is not None:
            self._say_evaluation(*held)

    def _judge(self, event: Evaluated) -> Text:
        """Say what an evaluation is worth: nothing while a guess is as good, the best so far where that can be seen."""
        if event.versus_guess == "no better":
            return plain(GUESSING, "yellow")
        if not event.is_best:
            return Text()
        if not event.metrics:
            return plain(BEST, "green")
        watched = _watched(event)
        best = f"best {self._scores.say(watched, event.metrics[watched])}"
        is_seen, self._best = best != self._best, best
        return plain(BEST, "green") if is_seen else Text()

    def _show_sample(self, event: Sampled) -> None:
        lines = [line.strip() for line in event.texts[0].splitlines() if line.strip()]
        if lines and self._is_due("sample", SAMPLE_S):
            self._say(event.seconds, plain(f"step {event.step:,}  the network writes:"))
            for line in lines[:SAMPLE_LINES]:
                self._terminal.print(plain(f"       {line}", "dim"), no_wrap=True, overflow="ellipsis")

    def _show_end(self, event: Finished) -> None:
        self._remove_bar()
        when = f"Finished at step {event.step:,} after {say_seconds(event.seconds)}:"
        self._terminal.print(plain(when, "bold"), plain(f"{STOPPED.get(event.stopped, event.stopped)}."))
        if event.metrics:
            self._terminal.print(score_table(event.metrics, self._scores))

    def _sentence(self, event: Corrected | Resumed | Restored | Forecast | ForecastScored) -> str:
        """Say a rare event in words."""
        match event:
            case Corrected():
                return f"step {event.step:,}  plan corrected to {event.total_steps:,} steps: {event.reason}"
            case Resumed():
                how = "bit for bit" if event.exact else f"not bit for bit: {event.reason}"
                return f"resumed at step {event.step:,}, {how}"
            case Forecast():
                return _forecast(event)
            case ForecastScored():
                return _outcome(event)
            case Restored():
                return f"restored the best weights: step {event.step:,}, {self._scores.say(event.metric, event.score)}"

    def _is_due(self, what: str, every_s: float) -> bool:
        """Tell whether enough time went by since this last came, and remember that it comes now."""
        if self._now() - self._last[what] < every_s:
            return False
        self._last[what] = self._now()
        return True

    def _say(self, seconds: float, *facts: Text) -> None:
        """Write a line that stays, with the time since the run began; in a log it is one line, however long."""
        clock = plain(_clock(seconds), "dim")
        if self._mode == "live":
            self._terminal.print(hanging((clock, packed(facts, width=self._terminal.width - clock.cell_len - 1))))
        else:
            self._terminal.print(clock, Text(GAP).join(facts), soft_wrap=True)

    def _draw(self, progress: Progress) -> None:
        """Draw the bar, below all that was written."""
        if self._live is None:
            # No thread draws: training would wait for it.
            self._live = Live(
                console=self._terminal,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=self._is_shared,
            )
            self._live.start()
            if isinstance(sys.stderr, FileProxy):
                # What rich takes from others on this stream, it would draw as it is.
                sys.stderr = cast(TextIO, Outlet(cast(TextIO, sys.stderr)))
        self._live.update(progress, refresh=True)

    def _remove_bar(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def _watched(event: Evaluated) -> str:
    """Return the key of the metric by which weights are the best; without one the first that is no loss."""
    if event.watched in event.metrics:
        return event.watched
    return next((key for key in event.metrics if not key.endswith("loss")), next(iter(event.metrics)))


def _between(event: Forecast | ForecastScored) -> str:
    """Say between which times four of five runs end."""
    return f"80 %: {say_seconds(event.low_seconds)} to {say_seconds(event.high_seconds)}"


def _forecast(event: Forecast) -> str:
    """Say how long a run will take, and how likely it ends before its budget."""
    when = f"step {event.step:,}  " if event.step else ""
    known = f"{say_seconds(event.expected_seconds)} in all ({_between(event)}), {FORECASTS.get(event.how, '')}"
    early = f"; {event.early:.0%} likely to stop early" if event.early is not None else ""
    never = f"; {event.never:.0%} likely never to reach the target" if event.never is not None else ""
    return f"{when}forecast: {known}{early}{never}"


def _outcome(event: ForecastScored) -> str:
    """Say what came of a forecast."""
    off = event.actual_seconds / max(event.expected_seconds, 1e-9) - 1
    how = "within" if event.low_seconds <= event.actual_seconds <= event.high_seconds else "outside of"
    when = f" at step {event.step:,}" if event.step else ""
    told = f"forecast{when} {say_seconds(event.expected_seconds)}, took {say_seconds(event.actual_seconds)}"
    return f"{told}: {off:+.0%}, {how} what was told ({_between(event)})"


def _clock(seconds: float) -> str:
    """Write seconds as `[0:41]` or `[1:02:05]`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"[{hours}:{minute:02d}:{second:02d}]" if hours else f"[{minute}:{second:02d}]"
