"""Checkpoints that survive a kill at any moment: one file each, written aside, synced, renamed, verified when read.

A file holds all tensors (safetensors) and, in its header, all other values and the digest over both. A reader recomputes
the digest, so a flipped bit or a cut-off file is found and the checkpoint before it is used. No code is ever loaded.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import save
from torch import Tensor

from tutelage.core.durable import write_durably
from tutelage.core.errors import RunError
from tutelage.core.layout import CHECKPOINT_SUFFIX, STEPS
from tutelage.training.state import Snapshot, digest

__all__ = ["checkpoints", "load_checkpoint", "newest_checkpoint", "save_checkpoint"]

FORMAT = "checkpoint-1"
KEPT = 2
"""Checkpoints kept: the newest, and one to fall back to if it is damaged."""


def save_checkpoint(run_dir: Path, snapshot: Snapshot) -> str:
    """Write a snapshot durably, then drop checkpoints that are no longer needed.

    Args:
        run_dir: The run folder.
        snapshot: What to save; its step names the file.

    Returns:
        The digest of the snapshot.
    """
    folder = run_dir / STEPS
    folder.mkdir(parents=True, exist_ok=True)
    sha = digest(snapshot)
    step = snapshot.values["clock"][0]
    # One header entry only: several would be written in random order, and equal states must be equal files.
    header = {"tutelage": json.dumps({"format": FORMAT, "digest": sha, "values": snapshot.values})}
    write_durably(folder / f"{step:09d}{CHECKPOINT_SUFFIX}", save(snapshot.tensors, header))
    for path in checkpoints(run_dir)[:-KEPT]:
        path.unlink()
    return sha


def checkpoints(run_dir: Path) -> list[Path]:
    """Return the complete checkpoint files, oldest first; leftovers of killed writers do not end in the suffix."""
    return sorted((run_dir / STEPS).glob(f"*{CHECKPOINT_SUFFIX}"))


def load_checkpoint(path: Path) -> Snapshot:
    """Read and verify one checkpoint.

    Raises:
        RunError: The file is damaged, or is not a checkpoint.
    """
    try:
        tensors, header = read_tensors(path)
        snapshot = Snapshot(tensors, header["values"])
    except (safetensors.SafetensorError, KeyError, ValueError, OSError) as error:
        raise RunError(f"{path}: the checkpoint cannot be read ({error}). An older one may still be good.") from error
    if digest(snapshot) != header.get("digest"):
        raise RunError(f"{path}: the checkpoint's content does not match its digest: the file was damaged after it was written.")
    return snapshot


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


def read_tensors(path: Path) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """Read all tensors and the header of a safetensors file."""
    with safetensors.safe_open(path, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        return tensors, json.loads((file.metadata() or {})["tutelage"])
