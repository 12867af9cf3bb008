"""The command `tutelage`, in a process whose clock runs faster than the others', or that is asked to end after some steps.

Usage: SKEW=100 PAUSE_AFTER=20 python skewed_command.py train SOURCE ...
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

monotonic, skew = time.monotonic, float(os.environ.get("SKEW", "1"))
if __name__ == "__main__":
    # Before anything else takes the function by its name; not where this file is only looked at.
    time.monotonic = lambda: monotonic() * skew

from tutelage.cli.main import main  # noqa: E402
from tutelage.training.step import Step  # noqa: E402

step = Step.__call__


def stepping(self: Step, *arguments: Any, **settings: Any) -> Any:
    """Make a step; one of them brings SIGTERM, as a cluster sends it."""
    calls.append(0)
    if len(calls) == int(os.environ.get("PAUSE_AFTER", "0")):
        os.kill(os.getpid(), signal.SIGTERM)
    return step(self, *arguments, **settings)


calls: list[int] = []

if __name__ == "__main__":
    Step.__call__ = stepping  # type: ignore[method-assign]
    code = main()
    left = [name for path in Path("/proc/self/task").glob("*/comm") if "gloo" in (name := path.read_text())]
    if left:
        sys.stderr.write(f"THREADS LEFT {left}\n")
    sys.exit(code)
