"""How much of a run is shown: a bar, lines, or only warnings and the end."""

from typing import Literal

__all__ = ["Mode"]

Mode = Literal["auto", "live", "lines", "quiet"]
