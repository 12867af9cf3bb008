"""Checkpoints that survive a kill at any moment: one file each, written aside, synced, renamed, verified when read.

`model/stored.py` says what is in such a file, and finds one that was damaged: then the checkpoint before it is used.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tutelage.core.disk import naming
from tutelage.core.errors import BRING_BACK, RunError
from tutelage.core.journal import read_journal
from tutelage.core.layout import CHECKPOINT_SUFFIX, STEPS
from tutelage.core.manifest import Manifest
from tutelage.core.typed import Count, first_mistake
from tutelage.foresight.told import Told
from tutelage.model.stored import load_tensors, save_tensors
from tutelage.training.state import Snapshot, digest

__all__ = ["checkpoint_name", "checkpoints", "is_checkpoint", "load_checkpoint", "newest_checkpoint", "save_checkpoint"]

FORMAT = "checkpoint-4"
KEPT = 2
"""Checkpoints kept: the newest, and one to fall back to if it is damaged."""


# Strict: what is checked is used as it stands in the file, so a text of digits is no number.
Seconds = Annotated[float, Field(ge=0, le=1e12, strict=True)]


class Outside(BaseModel):
    """Facts of the outer world in a checkpoint: no part of the digest, and so checked by themselves.

    Attributes:
        seconds: Wall time that the run has taken.
        evaluation_seconds_per_row: What a row takes to evaluate.
        logs: Size and SHA-256 of each log.
        machine: What bits depend on.
        texts: Files of the run that never change, held a second time.
        foresight: How long the run was told to take; None where nothing was told.
    """

    model_config = ConfigDict(extra="allow")
    seconds: Seconds = 0.0
    evaluation_seconds_per_row: Seconds = 0.0
    logs: dict[str, tuple[Count, str]] = {}
    machine: dict[str, Any] = {}
    texts: dict[str, str] = {}
    foresight: Told | None = None


class Values(BaseModel):
    """What every checkpoint's header says, whatever is trained."""

    model_config = ConfigDict(extra="allow")
    clock: tuple[Count, Count]
    control: dict[str, Any] = {}
    outside: Outside = Outside()


def save_checkpoint(run_dir: Path, snapshot: Snapshot, *, manifest: Manifest | None = None) -> str:
    """Write a snapshot durably, then drop checkpoints that are no longer needed.

    Args:
        run_dir: The run folder.
        snapshot: What to save; its step names the file.
        manifest: That of the run folder, where there is one at hand.

    Returns:
        The digest of the snapshot.

    Raises:
        DiskError: It cannot be written, such as on a full disk; the checkpoints before it are still there.
    """
    path = run_dir / STEPS / checkpoint_name(snapshot.step)
    dropped = sorted({*checkpoints(run_dir), path}, key=_step)[:-KEPT]
    journal = manifest or Manifest(run_dir)
    sha = save_tensors(
        path,
        snapshot.tensors,
        format=FORMAT,
        values=snapshot.values,
        announce=lambda seal: journal.announcing(path, seal=seal, dropping=dropped),
    )
    for old in dropped:
        with naming(old, "removed"):
            old.unlink(missing_ok=True)
    return digest(snapshot, tensors_sha=sha)


def checkpoint_name(step: int) -> str:
    """Return the name of the checkpoint of a step."""
    return f"{step:09d}{CHECKPOINT_SUFFIX}"


def is_checkpoint(file: str) -> bool:
    """Tell whether a path within a run folder is that of a checkpoint: a renamed one would be taken for another step's."""
    folder, _, name = file.rpartition("/")
    digits = name.removesuffix(CHECKPOINT_SUFFIX)
    return folder == STEPS and digits.isascii() and digits.isdigit() and len(digits) < 20 and name == checkpoint_name(int(digits))


def checkpoints(run_dir: Path) -> list[Path]:
    """Return the complete checkpoint files, oldest first; leftovers of killed writers, and other names, are none."""
    there = (run_dir / STEPS).glob(f"*{CHECKPOINT_SUFFIX}")
    return sorted((path for path in there if is_checkpoint(f"{STEPS}/{path.name}")), key=_step)


def _step(path: Path) -> int:
    """Return the step of a checkpoint."""
    return int(path.stem)


def load_checkpoint(path: Path) -> Snapshot:
    """Read and verify one checkpoint.

    Raises:
        RunError: The file is damaged, or is not a checkpoint.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[Snapshot, str]:
    """Read and verify one checkpoint; return its seal too."""
    stored = load_tensors(path, formats=(FORMAT,))
    try:
        Values.model_validate(stored.values)
    except ValidationError as error:
        raise RunError(f"{path}: its header says {first_mistake(error)}. {BRING_BACK}") from error
    return Snapshot(stored.tensors, stored.values), stored.seal


def newest_checkpoint(run_dir: Path) -> tuple[Snapshot, list[tuple[Path, str]]]:
    """Return the newest checkpoint that is intact, and each damaged one that was passed over, with what was found.

    Raises:
        RunError: There is none.
    """
    damaged: list[tuple[Path, str]] = []
    journal = read_journal(run_dir)
    for path in reversed(checkpoints(run_dir)):
        name = path.relative_to(run_dir).as_posix()
        try:
            snapshot, seal = _read(path)
            if name in journal.entries and not journal.accepts(name, seal=seal):
                raise RunError(f"{path}: is whole, but not what this run wrote there. Was it taken from another run?")
            if path.name != checkpoint_name(snapshot.step):
                raise RunError(f"{path}: is whole, but the checkpoint of step {snapshot.step:,}. Was it renamed?")
            return snapshot, damaged
        except RunError as error:
            damaged.append((path, str(error)))
    found = " ".join(text for _, text in damaged)
    raise RunError(f"{run_dir}: no intact checkpoint to resume from. {found or 'Nothing was saved yet.'} Train anew.")
