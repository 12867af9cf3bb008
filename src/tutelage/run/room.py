"""The room that a run's files will take, asked for before training: a full disk is told at once, not after hours.

So is a limit on the size of a file, which no waiting lifts.
"""

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutelage.core import layout
from tutelage.core.disk import free_bytes, size_limit
from tutelage.core.errors import DiskError
from tutelage.floor.base import FittedFloor
from tutelage.optim.base import Optim
from tutelage.training.checkpoint import KEPT, checkpoints
from tutelage.training.course import log_frequency
from tutelage.training.state import TrainState
from tutelage.training.update import Update

__all__ = ["largest_file_bytes", "needed_bytes", "require_disk_room", "require_file_size"]

SMALL_FILES_BYTES = 2**19
"""What plan, result, report and the like take, and the headers of the large ones."""
REPORT_BYTES = 50_000
"""What the smallest report takes."""
LINE_BYTES = 1024
"""A line of both logs together, about."""
TIGHT = 2
"""Free room of less than so many times what is needed is warned of: other programs write too."""


def needed_bytes(state: TrainState, *, floor: FittedFloor | None = None) -> int:
    """Return about how many bytes the files of a run will take at their most.

    That is when the kept checkpoints are there and either a further one is being written, or both predictors are.

    Args:
        state: As it begins.
        floor: What stands in both predictors, beside the network.
    """
    weights, checkpoint = _size(state.task.state_dict()), _checkpoint_bytes(state)
    weights += 0 if floor is None else _size(floor.tensors())
    return KEPT * checkpoint + max(checkpoint, 2 * weights) + _log_bytes(state) + SMALL_FILES_BYTES


def largest_file_bytes(state: TrainState, folder: Path) -> int:
    """Return about how many bytes the largest file of a run will take at its most.

    Args:
        state: As it begins.
        folder: The run folder; a checkpoint holds a copy of the files of its birth.
    """
    texts = sum(path.stat().st_size for name in layout.BORN if (path := folder / name).is_file())
    return max(_checkpoint_bytes(state) + texts, _log_bytes(state) // len(layout.LOGS), REPORT_BYTES)


def _checkpoint_bytes(state: TrainState) -> int:
    """Return the bytes of a checkpoint's tensors."""
    weights = _size(state.task.state_dict())
    optimizer = sum(_optimizer_bytes(update, state.task.phases[name].optim) for name, update in state.step.updates.items())
    # Where the last evaluation was in order and not the best, its weights are kept too.
    kept = (_size(state.best) or weights) + _size(state.good)
    own = (_size(state.stream.state()) + _size(state.ledger.state())) * state.mesh.world
    return weights + optimizer + kept + own


def _log_bytes(state: TrainState) -> int:
    """Return the bytes of both logs together."""
    return state.control.total_steps // log_frequency(state.control.total_steps) * LINE_BYTES


def require_file_size(folder: Path, largest: int) -> None:
    """Refuse to train where this process may not write a file as large as the run's largest.

    Raises:
        DiskError: It may not.
    """
    limit = size_limit()
    if limit is not None and limit < largest:
        found = f"{folder}: the largest file of this run needs about {largest:,} bytes"
        remedy = f"Raise that (ulimit -f) and go on: tutelage resume {folder}. Or take a smaller model."
        told = f"{found}; this process may not write more than {limit:,} to a file. {remedy}"
        raise DiskError(told, path=str(folder), number=errno.EFBIG)


def require_disk_room(folder: Path, needed: int) -> str:
    """Return a warning where the files of a run hardly find room in its folder, "" where there is plenty.

    Raises:
        DiskError: There is too little.
    """
    free = free_bytes(folder / layout.STEPS)
    if free is None:
        return ""
    predictors = [folder / name / layout.PREDICTOR for name in (layout.BEST, layout.LAST)]
    there = sum(path.stat().st_size for path in (*checkpoints(folder), *predictors) if path.exists())
    missing = max(needed - there, 0)
    found = f"{folder}: checkpoints, predictors and logs of this run need about {missing:,} bytes; {free:,} are free there."
    if missing > free:
        remedy = f"Make room and go on: tutelage resume {folder}. Or choose a folder on a larger disk, or a smaller model."
        raise DiskError(f"{found} {remedy}", path=str(folder))
    return f"{found} That is tight: a disk that is full is waited for a while only. Make room." if missing * TIGHT > free else ""


def _optimizer_bytes(update: Update, optim: Optim) -> int:
    """Return the bytes of an optimizer's state: what there is, or before the first step what one for tiny weights keeps."""
    state = update.optimizer.state
    if any(state.values()):
        return sum(_size(dict(state[parameter])) for parameter in update.parameters)
    tiny = [(name, _tiny(parameter)) for name, parameter in update.named]
    trial = optim.build(tiny)
    trial.step()
    return sum(
        # A moment is as large as its weights; a counter of steps is not.
        each.element_size() * parameter.numel() if each.shape == copy.shape else each.nbytes
        for (_, copy), parameter in zip(tiny, update.parameters, strict=True)
        for each in trial.state[copy].values()
        if isinstance(each, Tensor)
    )


def _tiny(parameter: nn.Parameter) -> nn.Parameter:
    """Return a parameter like another, of at most two numbers in each dimension, with a gradient."""
    copy = nn.Parameter(torch.ones([min(size, 2) for size in parameter.shape], dtype=parameter.dtype))
    # Its role, by which optimizers tell layers apart.
    vars(copy).update(vars(parameter))
    copy.grad = torch.zeros_like(copy)
    return copy


def _size(tensors: Mapping[str, Any]) -> int:
    """Return the bytes of a mapping's tensors; what else it holds is small."""
    return sum(each.nbytes for each in tensors.values() if isinstance(each, Tensor))
