"""Shows a run to people on standard error: a live bar on a terminal, few quiet lines in a log file."""

import sys
from pathlib import Path
from typing import Literal

from pydantic import Field

from tutelage.core.events import Sink
from tutelage.track.base import Track
from tutelage.track.mode import Mode

__all__ = ["Console"]


class Console(Track):
    """What people see of a run while it goes on."""

    kind: Literal["console"] = "console"
    mode: Mode = Field(
        "auto",
        description="live: a progress bar; lines: a line now and then; quiet: warnings and the end; "
        "auto: live on a terminal, else lines.",
    )

    def open(self, folder: Path) -> Sink:
        """Return a sink on standard error; nothing is written to `folder`."""
        # Drawing is loaded only by who looks at a run: the settings alone are read by commands that draw nothing.
        from tutelage.track.screen import Screen

        return Screen(sys.stderr, mode=self.mode)
