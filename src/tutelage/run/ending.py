"""Whether a run has ended: asked before anything is trained, since the test part of an ended run is not read again."""

from collections.abc import Mapping
from typing import Any

from tutelage.core import layout
from tutelage.core.errors import RunError
from tutelage.run.files import RunFiles, remedy_for

__all__ = ["ENDED", "PAUSED", "PAUSES", "has_ended", "refuse_made", "require_model", "state_of"]

PAUSES = ("interrupted", "terminated")
"""Reasons to stop after which a run can go on."""
PAUSED, ENDED = "paused", "ended"
"""What result.json means for the run, as the manifest says beside its hash."""


def state_of(stopped: object) -> str:
    """Return what a reason to stop means for the run."""
    return PAUSED if stopped in PAUSES else ENDED


def has_ended(files: RunFiles) -> bool:
    """Tell whether a run came to its end, with its test part opened.

    Raises:
        RunError: result.json is damaged, and nothing else says that the run was only paused.
    """
    file, entry = layout.RESULT, files.journal.latest(layout.RESULT)
    path = files.folder / file
    if not files.has(file):
        if entry is not None and not entry.is_removed:
            files.say(f"{path}: is missing; the run goes on from its last checkpoint, and writes it anew.")
        return False
    try:
        return state_of(files.record(file)["stopped"]) == ENDED
    except RunError as error:
        if entry is not None and entry.state == PAUSED:
            files.say(f"{error} The run was only paused: it goes on, and writes it anew.")
            return False
        if entry is not None and entry.state == ENDED:
            raise RunError(f"the run has ended, so there is nothing to go on with. What it has written: {error}") from error
        return _ended_by_checkpoint(files, error)


def require_model(files: RunFiles, result: Mapping[str, Any]) -> None:
    """Refuse a run that has no model yet, and tell what the model is of one that has not ended.

    Raises:
        RunError: It has none.
    """
    remedy = f"Finish it: tutelage resume {files.folder}"
    if not files.has(f"{layout.BEST}/{layout.PREDICTOR}") and not result:
        raise RunError(f"{files.folder}: the run has not ended, so it has no model yet. {remedy}")
    if not result or state_of(result.get("stopped")) == PAUSED:
        files.say(f"{files.folder}: the run has not ended: this is its best model so far, and not calibrated. {remedy}")


def refuse_made(files: RunFiles, *, command: str) -> None:
    """Refuse to go on with a run whose model was made of other runs': a training would take its place.

    Args:
        files: Of a run that has not ended, or has lost its result.
        command: What made it.

    Raises:
        RunError: It is such a run: there is a model, and neither log nor checkpoint of a training.
    """
    has_model = files.has(f"{layout.BEST}/{layout.PREDICTOR}")
    of_training = [file for file in files.journal.entries if file in layout.LOGS or file.startswith(f"{layout.STEPS}/")]
    if has_model and not of_training and not any(files.has(file) for file in layout.LOGS):
        found = f"{files.folder}: was made of other runs, without a training, so there is nothing to go on with"
        raise RunError(f"{found}. {layout.RESULT} is lost: bring it back, or make the run anew in a new folder: {command}")


def _ended_by_checkpoint(files: RunFiles, error: RunError) -> bool:
    """Tell what the last checkpoint says, where the manifest says nothing: both have to agree.

    Raises:
        RunError: They do not.
    """
    said = RunFiles(files.folder, tell=files.say, is_lenient=True).record(layout.RESULT)["stopped"]
    control = files.checkpoint.get("control", {})
    reason = control.get("stop_reason") if isinstance(control, dict) else None
    if (state_of(said) == PAUSED and reason == "") or (reason and said == reason):
        files.say(f"{files.folder / layout.RESULT}: could not be checked by the manifest; the last checkpoint says the same.")
        return state_of(said) == ENDED
    raise RunError(f"{error} {remedy_for(files.folder, layout.RESULT)}") from error
