"""This machine as it was measured: taken from its file, or measured now and kept there."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from tutelage.core.errors import DiskError
from tutelage.hardware.measured import MachineFile, load, machine_path, save
from tutelage.hardware.measuring import measure_machine
from tutelage.hardware.timing import Described
from tutelage.run.own_steps import measure_own_steps
from tutelage.training.freed_memory import keep_freed_memory
from tutelage.training.machine import check_device, choose_device, measure_matmul
from tutelage.work.counter import OperatorCounter
from tutelage.work.result import Counted

__all__ = ["Known", "described", "known_machine"]

FASTER = 2.0
"""Speed of a product now, beside that of the file, from which on the machine was busy when it was measured; it varies by less."""
ALMOST_ALL = 0.75
"""Share of a call's arithmetic and bytes from which on one operator stands for it."""


@dataclass(frozen=True)
class Known:
    """A machine and where what is known of it comes from.

    Attributes:
        machine: What was measured.
        path: Where it is kept; None where the disk refused to.
        is_new: Whether it was measured just now.
        refusal: What the disk said; "" where it took the file.
        doubt: Why it was measured anew though there was a file; "" where there was none, or it was taken.
    """

    machine: MachineFile
    path: Path | None
    is_new: bool
    refusal: str = ""
    doubt: str = ""


def known_machine(device: str = "auto", *, again: bool = False, tell: Callable[[str, float], None]) -> Known:
    """Return what is known of this machine, after measuring it where nothing is.

    Args:
        device: Which of its devices.
        again: Measure it whatever is known.
        tell: Takes what is being done, and the fraction of it that is done.

    Raises:
        RecipeError: This machine has no such device.
    """
    chosen = choose_device(device)
    check_device(chosen)
    place = torch.device(chosen)
    kept = None if again else load(place)
    doubt = "" if kept is None else _doubt(kept, chosen)
    if kept is not None and not doubt:
        return Known(kept, machine_path(kept.fingerprint), is_new=False)
    # As in a training: else what large operators take is mostly the fetching of memory.
    keep_freed_memory()
    began = time.perf_counter()
    machine = measure_machine(place, tell=lambda share: tell("operators", share), describe=described)
    machine = machine.but(own_steps=measure_own_steps(machine, tell=lambda share: tell("steps", share)))
    machine = machine.but(seconds=round(time.perf_counter() - began, 1))
    try:
        return Known(machine, save(machine), is_new=True, doubt=doubt)
    except DiskError as error:
        return Known(machine, None, is_new=True, refusal=str(error), doubt=doubt)


def _doubt(kept: MachineFile, device: str) -> str:
    """Return why a file cannot be so: large products are far faster now. A machine that is busy now says nothing against it."""
    speeds = kept.squares("float32")
    if not speeds:
        return ""
    rows, then = list(speeds.items())[-1]
    now = 1e9 * measure_matmul(torch.float32, device=device, size=rows)
    if now < FASTER * then:
        return ""
    found = f"matrix products of {rows} rows are {now / then:.1f} times as fast as when this machine was measured"
    return f"{found} ({kept.measured_at} UTC): it was busy then, and has been measured anew"


def described(run: Callable[[], object]) -> Described | None:
    """Return how a training step's counter counts a call: its largest operator; None where many share the work."""
    with OperatorCounter() as counter:
        run()
    ops = counter.work.ops
    largest = max(ops, key=_size, default=None)
    if largest is None or largest.num > 1 or _size(largest) < ALMOST_ALL * sum(map(_size, ops)):
        return None
    return Described(
        op=largest.op,
        category=largest.kind,
        dtype=largest.dtype,
        dims=largest.sizes,
        flops=float(largest.products + largest.others),
        num_bytes=float(largest.read + largest.written),
    )


def _size(op: Counted) -> int:
    """Return how much an operator does."""
    return op.num * (op.products + op.others + op.read + op.written)
