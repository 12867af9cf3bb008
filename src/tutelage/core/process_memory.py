"""How much memory this process holds now, and the most that it has held."""

import re
from contextlib import suppress
from pathlib import Path

__all__ = ["peak_bytes", "resident_bytes"]

STATUS = Path("/proc/self/status")


def resident_bytes() -> int | None:
    """Return the bytes that this process holds now; None where the system does not say."""
    return _entry("VmRSS")


def peak_bytes() -> int | None:
    """Return the most bytes that this process has held; None where the system does not say."""
    return _entry("VmHWM")


def _entry(name: str) -> int | None:
    """Return a number of what Linux tells of this process."""
    with suppress(OSError, ValueError):
        found = re.search(rf"^{name}:\s+(\d+) kB", STATUS.read_text(encoding="utf-8"), re.MULTILINE)
        return 1024 * int(found[1]) if found else None
    return None
