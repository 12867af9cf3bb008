"""A console of `rich` on which nothing surprises: no markup in names, no guessed colors, no failure when it is gone."""

import os
import re
from collections.abc import Mapping
from typing import IO, TextIO, cast

from rich.console import Console
from rich.text import Text

from tutelage.core.outlet import Outlet, one_line

__all__ = ["LOG_WIDTH", "Terminal", "open_terminal", "plain"]

LOG_WIDTH = 110
"""Line width where there is no terminal to ask."""

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
        file=cast(IO[str], _Canvas(stream, is_log=not (is_terminal or is_forced))),
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
    """Return text on one line, exactly as it is but for what would steer the terminal: a file name must not be able to."""
    return Text(one_line(text), style=style)


class _Canvas(Outlet):
    """Takes what rich draws, whose control characters are its own: the texts in it went through `plain`.

    Args:
        stream: Where to write; what is drawn on standard output is an answer, and one that cannot be written is told.
        is_log: Leave out the blanks that fill up a table's lines.
    """

    def __init__(self, stream: TextIO, *, is_log: bool) -> None:
        known = stream if isinstance(stream, Outlet) else Outlet(stream)
        super().__init__(known.stream, name=known.name)
        self._is_log = is_log

    def isatty(self) -> bool:
        """Tell whether this is more than a log."""
        return not self._is_log

    def write(self, text: str) -> int:
        """Write what was drawn."""
        self.draw(BLANKS_AT_END.sub("", text) if self._is_log else text)
        return len(text)
