"""The report of a training that diverged: where its best weights were kept, there is something to report on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tutelage.core import layout
from tutelage.core.errors import DiskError, DivergedError
from tutelage.core.outlet import warn
from tutelage.report.page import write_report
from tutelage.training.mesh import is_first_process

__all__ = ["reporting_divergence"]


@contextmanager
def reporting_divergence() -> Iterator[None]:
    """While entered, a training that diverges leaves its report, which the error then names.

    Raises:
        DivergedError: What was raised inside.
    """
    try:
        yield
    except DivergedError as error:
        folder = Path(error.folder)
        if error.folder and (folder / layout.RESULT).is_file() and is_first_process(os.environ):
            try:
                error.report = str(write_report(folder))
            except DiskError as refused:
                warn(str(refused))
        raise
