"""What holds for all tests: what they write lies in memory where there is room for it."""

import os
import shutil
from pathlib import Path

import pytest

IN_MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 * 2**30
PLACE = "PYTEST_DEBUG_TEMPROOT"
"""Where pytest makes its temporary folders; kept where it is set already."""


def pytest_configure(config: pytest.Config) -> None:
    """Let no test wait for a disk: a training makes dozens of files durable, and hundreds are trained; calls stay the same."""
    is_given = PLACE in os.environ or config.option.basetemp is not None
    if not is_given and os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free >= ROOM_BYTES:
        os.environ[PLACE] = str(IN_MEMORY)
