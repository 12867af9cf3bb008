"""Where this user's things are kept that can be made again: decoded images, what this machine was measured to do.

The folder is `$TUTELAGE_CACHE`, else `$XDG_CACHE_HOME/tutelage`, else `~/.cache/tutelage`. It can be deleted at any time.
"""

import os
import tempfile
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Return the folder; it may not exist yet."""
    if os.environ.get("TUTELAGE_CACHE"):
        return Path(os.environ["TUTELAGE_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "tutelage"
    except RuntimeError:
        # A user without a home, as in some containers.
        return Path(tempfile.gettempdir()) / "tutelage"
