"""What every export format is: it writes a graph to one file, and reads the file again as somebody else would."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tutelage.core.spec import Component
from tutelage.export.outgoing import Outgoing

__all__ = ["Answerer", "Format"]

Answerer = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
"""Takes raw inputs by name as people have them, gives outputs by name."""


class Format(Component):
    """A format of exported models."""

    family: ClassVar[str] = "export"
    suffix: ClassVar[str]
    """What names of its files end in."""

    def require(self) -> None:
        """Refuse where what it needs is not installed.

        Raises:
            UsageError: It is not; with how to install it.
        """

    def write(self, model: Outgoing, path: Path) -> None:
        """Write one file.

        Raises:
            RunError: The format cannot hold this model; with the reason.
        """
        raise NotImplementedError

    def record(self, model: Outgoing) -> dict[str, Any]:
        """Return what is said beside a graph of this format, as JSON."""
        return model.record()

    def told(self, path: Path) -> dict[str, Any]:
        """Return what is said beside the graph, see `Outgoing.record`; the file holds it too."""
        raise NotImplementedError

    def read(self, path: Path) -> Answerer:
        """Return what runs a file, without anything of the run that it comes from."""
        raise NotImplementedError
