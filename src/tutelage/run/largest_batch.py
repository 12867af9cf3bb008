"""The largest batch whose step finds room in the memory: steps of other sizes are counted, none is made."""

import time
from collections.abc import Mapping
from contextlib import suppress

import torch
from torch import Tensor

from tutelage.core.free_memory import free_memory_bytes
from tutelage.run.work import TrainingWork, count_training_step
from tutelage.training.state import TrainState

__all__ = ["largest_batch", "room_for_steps", "step_bytes"]

THERE = ("parameters", "buffers", "kept")
"""What a training holds before its first step."""
TRIES = 4
"""Sizes that are counted, at most."""
MOST_SECONDS = 3.0
"""Time after which no other size is counted: a recurrent step of many operators takes seconds each time."""
CLOSE = 0.97
"""Share of the room from which on a batch is close enough to the largest."""
SMALL, MULTIPLE = 64, 8
"""Batches from this size on are told in multiples, as people choose them."""


def room_for_steps(device: str) -> int:
    """Return the bytes that the steps of a training may take which is built and not begun."""
    if torch.device(device).type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    return free_memory_bytes()


def step_bytes(work: TrainingWork) -> int:
    """Return the bytes that steps take beyond what is there before the first: batch, activations, gradients, moments."""
    return work.memory.expected - sum(work.memory.parts[part] for part in THERE)


def largest_batch(
    state: TrainState, batch: Mapping[str, Tensor], *, work: TrainingWork, room_bytes: int, most: int
) -> int | None:
    """Return how many rows a batch may have; 0 where not even one row fits, None where it cannot be counted.

    Args:
        state: The training; it is left as it is.
        batch: As its stream gives it.
        work: That of a step on this batch.
        room_bytes: What the steps may take.
        most: Rows that there are; 0 where they have no end.
    """
    rows = work.rows
    seen, began = {rows: step_bytes(work)}, time.monotonic()
    with suppress(Exception):  # the border: an own module may fail in any way with other sizes
        size = 2 * rows
        for _ in range(TRIES):
            seen[size] = step_bytes(count_training_step(state, _resized(batch, rows, size)))
            guess = _solved(seen, room_bytes)
            guess = min(guess, most) if most else guess
            if guess < 1 or guess in seen or CLOSE * room_bytes <= seen[size] <= room_bytes:
                break
            if time.monotonic() - began > MOST_SECONDS:
                # The line through two sizes instead.
                return _rounded(guess, most)
            size = guess
        return _told(seen, room_bytes, most)
    return None


def _solved(seen: Mapping[int, int], room_bytes: int) -> int:
    """Return the size at which a straight line through the two sizes nearest to the room reaches it."""
    near = sorted(seen.items(), key=lambda pair: abs(pair[1] - room_bytes))[:2]
    (size, taken), (other, other_taken) = near
    slope = (other_taken - taken) / (other - size)
    # Just below: a batch that is a little too large does not fit at all.
    return int(size + (0.5 * (1 + CLOSE) * room_bytes - taken) / slope) if slope > 0 else max(seen)


def _told(seen: Mapping[int, int], room_bytes: int, most: int) -> int:
    """Return the largest size that was seen to fit, in a round number."""
    found = max((size for size, taken in seen.items() if taken <= room_bytes), default=0)
    if found == 0:
        # Smaller sizes than the training's own: on the line through those that were seen, which bends nowhere by much.
        found = max(_solved(seen, room_bytes), 0)
    return _rounded(found, most)


def _rounded(found: int, most: int) -> int:
    """Return a size as people choose them, and not above all rows that there are."""
    found = min(found, most) if most else found
    return found // MULTIPLE * MULTIPLE if found >= SMALL and found != most else found


def _resized(batch: Mapping[str, Tensor], rows: int, size: int) -> dict[str, Tensor]:
    """Return a batch without numbers that has another number of rows."""
    return {
        name: torch.empty_strided((size, *tensor.shape[1:]), tensor.stride(), dtype=tensor.dtype, device="meta")
        if tensor.dim() and len(tensor) == rows
        else tensor
        for name, tensor in batch.items()
    }
