"""Shows a run to people on standard error: a live bar on a terminal, few quiet lines in a log file."""

import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TextIO

from pydantic import Field

from tutelage.core.amount import say_seconds
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
    Started,
    Warned,
)  # fmt: skip
from tutelage.track.base import Track
from tutelage.track.progress import Standing, progress_line, progress_text, say_metric
from tutelage.track.table import decision_lines, wrapped

__all__ = ["Console", "ConsoleSink"]

REDRAW_S = 0.1
"""Shortest time between two pictures of the bar."""
LINE_S = 15.0
"""Shortest time between two progress lines where there is no bar."""
KEPT_S = 5.0
"""Shortest time between two evaluation lines that stay above the bar; the bar itself always shows the best."""
LOG_WIDTH = 110
"""Line width where there is no terminal to ask."""
STYLES = {"bold": "1", "dim": "2", "warning": "1;33", "good": "32"}
STOPPED = {
    "budget": "the budget is used up",
    "patience": "no improvement for a while (early stopping)",
    "interrupted": "interrupted",
    "terminated": "terminated",
}

Mode = Literal["auto", "live", "lines", "quiet"]


class Console(Track):
    """What people see of a run while it goes on."""

    kind: Literal["console"] = "console"
    mode: Mode = Field(
        "auto",
        description="live: a progress bar; lines: a line now and then; quiet: warnings and the end; "
        "auto: live on a terminal, else lines.",
    )

    def open(self, folder: Path) -> "ConsoleSink":
        """Return a sink on standard error; nothing is written to `folder`."""
        return ConsoleSink(sys.stderr, mode=self.mode)


class ConsoleSink:
    """Turns events into text.

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
        is_terminal = stream.isatty() and environment.get("TERM") != "dumb"
        self._stream = stream
        self._mode: Mode = ("live" if is_terminal else "lines") if mode == "auto" else mode
        self._is_colored = is_terminal and not environment.get("NO_COLOR")
        self._is_plain = "utf" not in (getattr(stream, "encoding", "") or "").lower()
        self._now = now
        self._decisions: list[Decided] = []
        self._best = ""
        self._is_bar_shown = False
        self._is_gone = False
        self._last = {"bar": float("-inf"), "line": float("-inf"), "kept": float("-inf")}

    def take(self, event: Event) -> None:
        """Show one event, where it is worth showing."""
        if isinstance(event, Decided):
            self._decisions.append(event)
            return
        self._show_decisions()
        match event:
            case Logged():
                self._show_progress(event)
            case Evaluated():
                self._show_evaluation(event)
            case Finished():
                self._show_end(event)
            case Warned():
                self._say_block("Warning: ", event.message, style="warning")
            case Started() if self._mode != "quiet":
                self._show_start(event)
            case Noted() if self._mode != "quiet":
                self._say_block("Note: ", event.message, style="dim")
            case Corrected() | Resumed() | Restored() if self._mode != "quiet":
                self._say(event.seconds, _sentence(event))
            case _:
                pass

    def close(self) -> None:
        """Remove the bar; lines already written stay."""
        self._show_decisions()
        self._clear_bar()

    def _show_decisions(self) -> None:
        decisions, self._decisions = self._decisions, []
        if not decisions or self._mode == "quiet":
            return
        rows = [(_clean(item.key), _clean(item.value), _clean(item.reason)) for item in decisions]
        self._write(self._styled("Decided", "bold") + "\n")
        for what, why in decision_lines(rows, width=self._width()):
            self._write(what + (self._styled(why, "dim") if why else "") + "\n")
        self._write("\n")

    def _show_start(self, event: Started) -> None:
        parts = [f"{event.num_train:,} train", f"{event.num_validation:,} validation", f"{event.num_test:,} test"]
        sizes = ", ".join(part for part in parts if not part.startswith("0 "))
        self._write(self._styled(f"Training {_clean(event.run)}", "bold") + "\n")
        self._write(f"  data   {_clean(event.source)}: {sizes}\n")
        model = f"{_clean(event.model)} ({event.num_parameters:,} parameters)"
        self._write(f"  model  {model}, to {_clean(event.task)}, on {_clean(event.device)}\n\n")

    def _show_progress(self, event: Logged) -> None:
        standing = Standing(event, self._best)
        if self._mode == "live" and self._is_due("bar", REDRAW_S):
            self._write(f"\r{progress_line(standing, width=self._width() - 1, plain=self._is_plain)}\x1b[K")
            self._is_bar_shown = True
        elif self._mode == "lines" and self._is_due("line", LINE_S):
            self._say(event.seconds, progress_text(standing))

    def _show_evaluation(self, event: Evaluated) -> None:
        if event.is_best and event.metrics:
            names = [name for name in event.metrics if not name.endswith("loss")] or list(event.metrics)
            self._best = f"best {_short(names[0])} {say_metric(event.metrics[names[0]])}"
        if self._mode == "lines" or (self._mode == "live" and self._is_due("kept", KEPT_S)):
            scores = "  ".join(f"{_short(name)} {say_metric(value)}" for name, value in event.metrics.items())
            mark = self._styled("  best so far", "good") if event.is_best else ""
            self._say(event.seconds, f"step {event.step:,}  epoch {event.epoch:.1f}  validation: {scores}{mark}")

    def _show_end(self, event: Finished) -> None:
        stopped = STOPPED.get(event.stopped, _clean(event.stopped))
        when = f"at step {event.step:,} after {say_seconds(event.seconds)}"
        self._say_block("Finished: ", f"{stopped}, {when}.", style="bold")
        names = max((len(name) for name in event.metrics), default=0)
        for name, value in event.metrics.items():
            self._write(f"  {_clean(name):<{names}}  {say_metric(value)}\n")

    def _is_due(self, what: str, every_s: float) -> bool:
        """Tell whether enough time went by since this last came, and remember that it comes now."""
        if self._now() - self._last[what] < every_s:
            return False
        self._last[what] = self._now()
        return True

    def _say(self, seconds: float, text: str) -> None:
        """Write a line that stays, with the time since the run began."""
        self._clear_bar()
        self._write(f"{self._styled(f'[{_clock(seconds)}]', 'dim')} {text}\n")

    def _say_block(self, head: str, message: str, *, style: str) -> None:
        """Write a message under a styled heading, its further lines indented."""
        self._clear_bar()
        lines = wrapped(_clean(message), self._width() - len(head))
        self._write(self._styled(head, style) + "\n  ".join(lines) + "\n")

    def _clear_bar(self) -> None:
        if self._is_bar_shown:
            self._write("\r\x1b[K")
            self._is_bar_shown = False

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self._is_colored else text

    def _width(self) -> int:
        try:
            return max(os.get_terminal_size(self._stream.fileno()).columns, 40)
        except (OSError, ValueError):
            return LOG_WIDTH

    def _write(self, text: str) -> None:
        if self._is_gone:
            return
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
        except (OSError, ValueError):
            # The terminal is gone, which is no reason to stop training.
            self._is_gone = True


def _sentence(event: Corrected | Resumed | Restored) -> str:
    """Say a rare event in words."""
    match event:
        case Corrected():
            return f"step {event.step:,}  plan corrected to {event.total_steps:,} steps: {_clean(event.reason)}"
        case Resumed():
            how = "bit for bit" if event.exact else f"not bit for bit: {_clean(event.reason)}"
            return f"resumed at step {event.step:,}, {how}"
        case Restored():
            return f"restored the best weights: step {event.step:,}, {_short(event.metric)} {say_metric(event.score)}"


def _short(name: str) -> str:
    """Return a metric's name without its part of the data."""
    return _clean(name.rsplit("/", 1)[-1].replace("_", " "))


def _clock(seconds: float) -> str:
    """Write seconds as `0:41` or `1:02:05`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def _clean(text: str) -> str:
    """Replace control characters: a file name must not be able to steer the terminal."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text)
