"""A console of `rich` on which nothing surprises: no markup in names, no guessed colors, no failure when it is gone."""

import os
import re
from collections.abc import Mapping
from typing import IO, TextIO, cast

from rich.console import Console
from rich.text import Text

__all__ = ["LOG_WIDTH", "Terminal", "open_terminal", "plain"]

LOG_WIDTH = 110
"""Line width where there is no terminal to ask."""

STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
"""Control characters, and those that break a line or turn the direction of writing."""
BLANKS_AT_END = re.compile(r" +(?=\n)")


class Terminal(Console):
    """A console that leaves the cursor alone: a run that is killed could not bring it back."""

    def show_cursor(self, show: bool = True) -> bool:
        """Do nothing."""
        return False


def open_terminal(stream: TextIO, *, environment: Mapping[str, str] = os.environ, is_forced: bool = False) -> Terminal:
    """Return a console on a stream.

    Args:
        stream: Where to write.
        environment: Environment variables: `NO_COLOR` turns styles off; `TERM=dumb` makes a terminal a plain stream.
        is_forced: Steer the cursor even where the stream is no terminal.
    """
    is_terminal = stream.isatty() and environment.get("TERM") != "dumb"
    has_styles = is_terminal and not environment.get("NO_COLOR")
    return Terminal(
        file=cast(IO[str], _Outlet(stream, is_log=not (is_terminal or is_forced))),
        width=None if stream.isatty() else LOG_WIDTH,
        force_terminal=is_terminal or is_forced,
        force_interactive=is_terminal or is_forced,
        force_jupyter=False,
        color_system="standard" if has_styles else None,
        no_color=not has_styles,
        markup=False,
        emoji=False,
        highlight=False,
        _environ=environment,
    )


def plain(text: str, style: str = "") -> Text:
    """Return text exactly as it is, but for control characters: a file name must not be able to steer the terminal."""
    return Text(STEERING.sub(" ", text), style=style)


class _Outlet:
    """Writes what the stream's encoding has signs for, as long as the stream is there.

    Args:
        stream: Where to write.
        is_log: Leave out the blanks that fill up a table's lines.
    """

    def __init__(self, stream: TextIO, *, is_log: bool) -> None:
        self.encoding = getattr(stream, "encoding", None) or "utf-8"
        self._stream = stream
        self._is_log = is_log
        self._is_gone = False

    def isatty(self) -> bool:
        return not self._is_log

    def write(self, text: str) -> int:
        if self._is_log:
            text = BLANKS_AT_END.sub("", text)
        if not self._is_gone:
            try:
                self._stream.write(text.encode(self.encoding, "replace").decode(self.encoding))
            except (OSError, ValueError):
                # The terminal is gone, which is no reason to stop training.
                self._is_gone = True
        return len(text)

    def flush(self) -> None:
        if not self._is_gone:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._is_gone = True
