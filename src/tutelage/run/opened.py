"""The test part is opened once: before its first row is read, a file says for which weights.

A process that is killed between reading it and writing the scores has told them to nobody. Whoever goes on measures once
more, and says so; on the same weights, as it is after an end that was saved, nothing can have been chosen by what was read.
"""

from pathlib import Path

from tutelage.core import layout
from tutelage.core.errors import RunError
from tutelage.core.events import Event, Noted, Warned
from tutelage.core.manifest import Manifest
from tutelage.run.files import RunFiles, tell_nobody

__all__ = ["open_test_part"]


def open_test_part(folder: Path, *, weights: str, step: int) -> None:
    """Say durably that the test part is being opened.

    Args:
        folder: The run folder.
        weights: The SHA-256 of what is measured.
        step: The step that it is from.
    """
    Manifest(folder).put_json(layout.TEST_OPENED, {"weights": weights, "step": step})


def opened_before(folder: Path, *, weights: str) -> Event | None:
    """Return what to tell where the test part was opened before, by a process that was killed; None where it was not."""
    path = folder / layout.TEST_OPENED
    if not path.exists():
        return None
    found = "The test part was opened before, by a process that was ended before it could write the scores"
    try:
        record = RunFiles(folder, tell=tell_nobody).record(layout.TEST_OPENED)
    except RunError as error:
        return Warned(message=f"{found}; of which weights is not known ({error}). It is measured again.")
    if record.get("weights") == weights:
        return Noted(message=f"{found}. It is measured again on the same weights, so nothing was chosen by what was read.")
    return Warned(
        message=f"{found}, on other weights (of step {record.get('step')!r}): what it measured was told to nobody. "
        "It is measured again, on the weights that are kept now."
    )
