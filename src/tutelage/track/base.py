"""What every tracker is: settings that open a sink, which writes down or shows the events of a run."""

from pathlib import Path
from typing import ClassVar

from tutelage.core.events import Sink
from tutelage.core.spec import Component

__all__ = ["Track"]


class Track(Component):
    """A way to watch a run, and its settings."""

    family: ClassVar[str] = "track"

    def open(self, folder: Path) -> Sink:
        """Return a sink for the run in `folder`; what it writes on disk goes there."""
        raise NotImplementedError
