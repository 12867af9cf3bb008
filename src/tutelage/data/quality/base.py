"""What every check of the data is: one possible fault, looked for before training; it changes nothing and stops nothing.

A check asks the parts what they know of themselves, never which kind they are, and has nothing to say where they do not
know. It costs at most a sort of hashes and a pass over labels: a second or two for a million rows. `row_digests` is asked by
several checks, so a part that computes it should keep it.
"""

from typing import ClassVar

from tutelage.core.spec import Component
from tutelage.data.quality.finding import Finding
from tutelage.data.source.base import Collected

__all__ = ["Check"]


class Check(Component):
    """One possible fault of the data."""

    family: ClassVar[str] = "check"

    def look(self, collected: Collected) -> list[Finding]:
        """Return what was found; nothing where the data are sound, or cannot have this fault.

        Args:
            collected: Parts as the source gave them, bad items left out.
        """
        raise NotImplementedError
