"""What holds for all tests: what they write lies in memory where there is room for it, and never in the user's cache folder."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

IN_MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 * 2**30
CACHE = "TUTELAGE_CACHE"
PLACE = "PYTEST_DEBUG_TEMPROOT"
"""Where pytest makes its temporary folders; kept where it is set already."""


def pytest_configure(config: pytest.Config) -> None:
    """Let no test wait for a disk: a training makes dozens of files durable, and hundreds are trained; calls stay the same."""
    is_given = PLACE in os.environ or config.option.basetemp is not None
    if not is_given and os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free >= ROOM_BYTES:
        os.environ[PLACE] = str(IN_MEMORY)
    if CACHE not in os.environ:
        # Trainings of two steps are no memory that a user's own trainings should be told by.
        config.add_cleanup(_own_cache())


def _own_cache() -> Callable[[], None]:
    """Let all tests remember in a folder of their own, and return what removes it."""
    folder = tempfile.mkdtemp(prefix="tutelage-cache-", dir=os.environ.get(PLACE))
    os.environ[CACHE] = folder

    def remove() -> None:
        del os.environ[CACHE]
        shutil.rmtree(folder, ignore_errors=True)

    return remove
