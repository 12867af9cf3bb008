"""Times pieces of work one after another within a bound: in two passes far apart, so that a busy moment does not count.

A pass goes through all pieces in a mixed order, so where the time ends early something is known of each kind.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch

from tutelage.hardware.bench.base import Case, Prepared
from tutelage.hardware.point import Point

__all__ = ["Described", "Timer", "time_cases"]

SAMPLE_SECONDS = 3e-4
"""A sample repeats its work until it takes about so long: a clock tells microseconds apart, and so does this."""
SAMPLES, PASSES = 3, 2
LONG_SECONDS = 0.005
"""Work from which on two samples a pass are enough: noise comes in shorter pieces."""
STRIDE = 7
"""The pieces of a pass are taken in this stride, kinds mixed."""


@dataclass(frozen=True, slots=True)
class Described:
    """One call as whoever counts a training step would count it, so that both speak of the same sizes.

    Attributes:
        op: Name of the operator.
        category: Its class.
        dtype: What it computes in.
        dims: What its class says the time depends on.
        flops: Floating-point operations.
        num_bytes: Bytes read and written.
    """

    op: str
    category: str
    dtype: str
    dims: tuple[int, ...]
    flops: float
    num_bytes: float


@dataclass(frozen=True, slots=True)
class _Measured:
    """What one pass found of a piece.

    Attributes:
        seconds: Of one call.
        described: What the call was.
    """

    seconds: float
    described: Described


@dataclass(frozen=True, slots=True)
class Timer:
    """How to measure.

    Attributes:
        device: Where the work is done.
        limit_seconds: When to stop, whatever is left.
        tell: Takes the fraction that is done.
        describe: Counts a call; None where it is not one operator. By default what each piece says of itself is taken.
        clock: Tells seconds; where other processes want the same core, that of the process (`time.process_time`) is steadier.
    """

    device: torch.device
    limit_seconds: float
    tell: Callable[[float], None] = lambda _: None
    describe: Callable[[Callable[[], object]], Described | None] = lambda _: None
    clock: Callable[[], float] = time.perf_counter

    def wait(self) -> None:
        """Wait until the device has done all that it was asked for."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def once(self, prepared: Prepared, repeats: int) -> float:
        """Return the seconds of one run, of so many in a row."""
        self.wait()
        began = self.clock()
        for _ in range(repeats):
            prepared.run()
        self.wait()
        return (self.clock() - began) / repeats

    def sample(self, prepared: Prepared) -> float:
        """Return the shortest of a few samples, once what is made at the first call is there: noise only ever adds."""
        self.once(prepared, 1)
        first = self.once(prepared, 1)
        if first > LONG_SECONDS:
            return min(first, self.once(prepared, 1))
        repeats = max(1, round(SAMPLE_SECONDS / max(first, 1e-8)))
        return min(self.once(prepared, repeats) for _ in range(SAMPLES))


def time_cases(cases: Sequence[Case], *, timer: Timer) -> list[Point]:
    """Measure every piece, the better of its passes; pieces that the device cannot do are left out."""
    found: dict[int, list[_Measured]] = {}
    order = [index for first in range(STRIDE) for index in range(first, len(cases), STRIDE)]
    began, done = time.perf_counter(), 0
    for _ in range(PASSES):
        for index in order:
            if time.perf_counter() - began > timer.limit_seconds:
                break
            measured = _measure(cases[index], timer)
            if measured is not None:
                found.setdefault(index, []).append(measured)
            done += 1
            timer.tell(done / (PASSES * len(order)))
    return [_point(cases[index], passes) for index, passes in sorted(found.items())]


def _measure(case: Case, timer: Timer) -> _Measured | None:
    """Measure one piece; None where this build of torch has no such operator for the device."""
    try:
        with torch.set_grad_enabled(case.is_learning):
            prepared = case.make()
            own = Described(case.op, case.category, case.dtype, case.dims, case.flops, prepared.num_bytes / case.calls)
            described = timer.describe(prepared.run) if case.is_operator else None
            return _Measured(timer.sample(prepared) / case.calls, described or own)
    except (RuntimeError, NotImplementedError, TypeError, AttributeError):
        return None


def _point(case: Case, passes: Sequence[_Measured]) -> Point:
    """Return what the passes say."""
    best = max(min(each.seconds for each in passes), 1e-9)
    return Point(
        **asdict(passes[0].described),
        phase=case.phase,
        sizes=case.sizes,
        seconds=best,
        spread=round(max(each.seconds for each in passes) / best - 1, 4),
    )
