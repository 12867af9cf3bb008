"""Checkpoints that survive a kill at any moment: one file each, written aside, synced, renamed, verified when read.

`model/stored.py` says what is in such a file, and finds one that was damaged: then the checkpoint before it is used.
"""

from pathlib import Path

from tutelage.core.disk import naming
from tutelage.core.errors import RunError
from tutelage.core.layout import CHECKPOINT_SUFFIX, STEPS
from tutelage.model.stored import load_tensors, save_tensors
from tutelage.training.state import Snapshot, digest

__all__ = ["checkpoints", "load_checkpoint", "newest_checkpoint", "save_checkpoint"]

FORMAT = "checkpoint-2"
KEPT = 2
"""Checkpoints kept: the newest, and one to fall back to if it is damaged."""


def save_checkpoint(run_dir: Path, snapshot: Snapshot) -> str:
    """Write a snapshot durably, then drop checkpoints that are no longer needed.

    Args:
        run_dir: The run folder.
        snapshot: What to save; its step names the file.

    Returns:
        The digest of the snapshot.

    Raises:
        DiskError: It cannot be written, such as on a full disk; the checkpoints before it are still there.
    """
    path = run_dir / STEPS / f"{snapshot.step:09d}{CHECKPOINT_SUFFIX}"
    sha = save_tensors(path, snapshot.tensors, format=FORMAT, values=snapshot.values)
    for old in checkpoints(run_dir)[:-KEPT]:
        with naming(old, "removed"):
            old.unlink(missing_ok=True)
    return digest(snapshot, tensors_sha=sha)


def checkpoints(run_dir: Path) -> list[Path]:
    """Return the complete checkpoint files, oldest first; leftovers of killed writers do not end in the suffix."""
    return sorted((run_dir / STEPS).glob(f"*{CHECKPOINT_SUFFIX}"))


def load_checkpoint(path: Path) -> Snapshot:
    """Read and verify one checkpoint.

    Raises:
        RunError: The file is damaged, or is not a checkpoint.
    """
    stored = load_tensors(path, formats=(FORMAT,))
    return Snapshot(stored.tensors, stored.values)


def newest_checkpoint(run_dir: Path) -> tuple[Snapshot, list[tuple[Path, str]]]:
    """Return the newest checkpoint that is intact, and each damaged one that was passed over, with what was found.

    Raises:
        RunError: There is none.
    """
    damaged: list[tuple[Path, str]] = []
    for path in reversed(checkpoints(run_dir)):
        try:
            return load_checkpoint(path), damaged
        except RunError as error:
            damaged.append((path, str(error)))
    found = " ".join(text for _, text in damaged)
    raise RunError(f"{run_dir}: no intact checkpoint to resume from. {found or 'Nothing was saved yet.'} Train anew.")
