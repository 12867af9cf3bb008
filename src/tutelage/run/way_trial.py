"""One trial of ways to compute steps: precision, memory format, threads, parts of a batch, compiling, one after the other.

Each is tried on top of the best so far, on a copy of the module, while the trial's share of the planned training lasts: of its
seconds, as a first step tells them, and of its steps, which are known before anything is tried.
"""

import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field

from torch import nn

from tutelage.core.errors import OutOfMemoryError
from tutelage.core.memory import is_out_of_memory
from tutelage.planning.execution import Execution, MemoryFormat, RuledOut, TriedWay, Way
from tutelage.planning.facts import Machine
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.run.candidate import Candidate, build_candidate
from tutelage.run.time_limit import TimeIsUpError, can_limit, time_limit
from tutelage.run.way_quality import CHECKED, adds_up, holds, quality
from tutelage.task.base import Data
from tutelage.training.freed_memory import free_memory

__all__ = ["COMPILE_SECONDS", "SHARE", "Trial", "is_worth_trying", "steps_worth_trying"]

SHARE = 0.03
"""Share of the planned training that trying may take; half of it where the plain way turns out to be the best."""
LEAST_GAIN = 0.92
"""A way has to take at most this share of the plain way's time: less could be noise."""
HOPELESS = 1.1
"""A way that takes so many times the best so far is not tried on."""
LEAST_STEPS = 12
"""Steps that a trial of one other way makes: two of each, one more, gradients of two batches twice, and one of each in turn."""
LEAST_TRIALS = 5
"""Plain steps that have to fit into that share, or nothing is tried."""
ROUNDS = 7
"""Times that the plain and the best way are timed against each other."""
COMPILE_SECONDS = 30.0
"""What has to be left of that share, or compiling is not tried."""
SLICES, LONG_SECONDS, MANY, FEW = 4, 0.02, 16, 3
"""A step of which a quarter takes so long is tried on quarters of batches, unless many whole ones fit into that share."""
MICRO = (2, 4)
"""Parts that a batch is cut into where what is computed may then stay in the caches."""
LEAST_ROWS = 16
"""Rows that such a part has at least."""
NO_MEMORY = "it does not fit into the memory"


def is_worth_trying(plan: Plan) -> bool:
    """Tell whether the share of the planned steps holds a trial; of a time budget the first step has to tell it."""
    return not plan.total_steps or plan.total_steps >= steps_worth_trying(plan)


def steps_worth_trying(plan: Plan) -> int:
    """Return of how many planned steps a share holds a trial."""
    return math.ceil(LEAST_STEPS * (_part(plan) or plan.batch_size) / (SHARE * plan.batch_size))


def _part(plan: Plan) -> int:
    """Return the rows of parts of batches on which long steps are tried; 0 where that would be too few."""
    return plan.batch_size // SLICES if plan.batch_size // SLICES >= LEAST_ROWS else 0


@dataclass
class Trial:
    """Tries ways for one plan.

    Attributes:
        plan: As decided without looking at the module.
        data: Prepared data.
        module: The user's, which is copied; None where the plan's own architecture is tried.
        recipe: What was wished for stays as it is.
        machine: What it can compute fast.
        allowed: Seconds that trying may take, once a step was timed.
        is_complete: Whether there was time for all that could be tried.
        tried: The figures of those that were neither chosen nor the plain way.
        ruled_out: Ways that cannot be taken.
    """

    plan: Plan
    data: Data
    module: nn.Module | None
    recipe: Recipe
    machine: Machine
    began: float = field(default_factory=time.monotonic)
    allowed: float = 0.0
    is_complete: bool = True
    tried: list[TriedWay] = field(default_factory=list)
    ruled_out: list[RuledOut] = field(default_factory=list)
    _open: list[Candidate] = field(default_factory=list)
    _dearest: float = 0.0
    _rows: int = 0
    _closed_rows: int = 0

    def run(self) -> tuple[Candidate, Candidate] | None:
        """Return the plain way and the one to take, which may be the same; None where there is no time, or no copy."""
        # What rules of thumb say of data, such as bfloat16 for pictures, has to show for an own module that it pays and holds.
        is_free = self.recipe.precision == "auto" and self.module is not None
        self._rows = _part(self.plan)
        plain = self._measured(self.plan.way.but(precision="float32") if is_free else self.plan.way)
        if plain is None or not self._has_time(plain):
            return None
        if self._passed + plain.seconds < self.allowed / 4 and self._affords(plain.turn_steps):
            plain.turn()
        best = self._best(plain)
        if best is not plain:
            if self._compare(plain, best) and best.seconds <= LEAST_GAIN * plain.seconds:
                return plain, best
            self.tried.append(best.told())
        elif self._passed + FEW * self._whole(plain) < self.allowed / 2 and self._affords(FEW, is_whole=True):
            # Its time is a forecast's pace.
            plain.whole()
        return plain, plain

    def _has_time(self, plain: Candidate) -> bool:
        """Find out how long trying may take, and tell whether anything can be tried; long steps are tried on parts of batches."""
        if plain.seconds < LONG_SECONDS and plain.rows:
            if self.plan.total_steps and SHARE * self.plan.total_steps < MANY:
                # Over in a few seconds: finding out more would be a larger share of it than can be gained.
                return False
            plain.whole()
        self.allowed = SHARE * (self.plan.time_seconds or self.plan.total_steps * self._whole(plain))
        if self.allowed / 2 > MANY * self._whole(plain):
            plain.whole()
        self._rows = plain.rows
        return self.allowed >= LEAST_TRIALS * plain.seconds

    def _whole(self, candidate: Candidate) -> float:
        """Return how long a step with a whole batch takes, about."""
        return candidate.seconds * (self.plan.batch_size / candidate.rows if candidate.rows else 1.0)

    def _best(self, plain: Candidate) -> Candidate:
        """Return the way that looks the fastest."""
        best = plain
        for propose in (self._layouts, self._fewer_threads, self._parts, self._compiled):
            for way in propose(best.way):
                # What it may take to try it, and to compare it with the plain one at the end.
                steps = 2 + 2 * CHECKED + 3 * plain.turn_steps
                if self._passed + self._dearest > self.allowed / 2 or not self._affords(steps):
                    self.is_complete = False
                    break
                better = self._better(way, plain, best)
                if better is best and propose == self._parts:
                    break
                best = better
        return best

    def execution(self, plain: Candidate, chosen: Candidate) -> Execution:
        """Return the choice with all figures."""
        return Execution(
            memory_format=chosen.way.memory_format,
            num_threads=chosen.way.num_threads,
            step_seconds=0.0 if chosen.rows else chosen.seconds,
            tried=(plain.told(), *([] if chosen is plain else [chosen.told()]), *self.tried),
            ruled_out=tuple(self.ruled_out),
        )

    def close(self) -> None:
        """Give back what was tried."""
        for candidate in [*self._open]:
            self._close(candidate)

    @property
    def _passed(self) -> float:
        """Seconds since trying began."""
        return time.monotonic() - self.began

    def _affords(self, num_steps: int, *, is_whole: bool = False) -> bool:
        """Tell whether so many more steps, with whole batches or with those that are tried, are within the share of all steps."""
        made = self._closed_rows + sum(candidate.num_rows for candidate in self._open)
        planned = self.plan.total_steps * self.plan.batch_size
        more = num_steps * (self.plan.batch_size if is_whole or not self._rows else self._rows)
        return not planned or made + more <= SHARE * planned

    def _layouts(self, best: Way) -> Iterator[Way]:
        """Yield precisions and memory formats, the most promising first."""
        has_images = any(parameter.dim() == 4 and max(parameter.shape[2:]) > 1 for parameter in self._open[0].parameters)
        formats: list[MemoryFormat] = ["channels_last", "contiguous"] if has_images else [best.memory_format]
        if self.recipe.memory_format != "auto":
            formats = [self.recipe.memory_format]
        precisions = ["bfloat16", "float32"] if self.recipe.precision == "auto" and self.machine.bf16 else [best.precision]
        ways = [best.but(precision=precision, memory_format=form) for precision in precisions for form in formats]
        yield from (way for way in ways if way != best)

    def _fewer_threads(self, best: Way) -> Iterator[Way]:
        """Yield one thread, and half of those that there are: small steps wait longer for threads than they compute."""
        most = self.machine.num_threads
        if self.machine.device == "cpu" and self.recipe.threads == "auto" and most > 1:
            yield from (best.but(num_threads=number) for number in dict.fromkeys((1, most // 2)))

    def _parts(self, best: Way) -> Iterator[Way]:
        """Yield smaller parts of a batch, where that changes nothing but the order of adding."""
        if self.machine.device != "cpu" or best.num_micro > 1:
            return
        if self._rows:
            # Whether a part stays in the caches shows with whole batches alone.
            self.is_complete = False
            return
        for number in MICRO:
            if self.plan.batch_size >= number * LEAST_ROWS and adds_up(self._open[0], number):
                yield best.but(num_micro=number)

    def _compiled(self, best: Way) -> Iterator[Way]:
        """Yield compiling, where there is time for it and it can be left when that is up."""
        left = self.allowed - self._passed
        is_open = self.recipe.compile == "auto" and best.compile == "none" and bool(self.machine.compiler)
        if not is_open or not can_limit(left):
            return
        if left > COMPILE_SECONDS:
            yield best.but(compile="inductor")
        else:
            self.is_complete = False

    def _better(self, way: Way, plain: Candidate, best: Candidate) -> Candidate:
        """Return a way's candidate where it works, holds and looks faster than the best so far; the slower one is closed."""
        candidate = self._measured(way)
        if candidate is None:
            return best
        if candidate.least < HOPELESS * best.least:
            candidate.turn()
        is_faster = candidate.least < best.least and self._pays(candidate, best)
        if is_faster and way.precision != plain.way.precision:
            # That of the best holds, and what is added to it rounds nothing.
            candidate.quality = found = best.quality or quality(plain, candidate)
            if not holds(found):
                reason = f"loss or gradient do not hold (cosine {found['cosine']:.4f})"
                self.ruled_out.append(RuledOut(**way.model_dump(), reason=reason))
                is_faster = False
        slower = best if is_faster else candidate
        if slower is not plain:
            self.tried.append(slower.told())
            self._close(slower)
        return candidate if is_faster else best

    def _pays(self, candidate: Candidate, best: Candidate) -> bool:
        """Tell whether a way that has to be compiled is repaid by the steps that are planned."""
        if candidate.way.compile == best.way.compile:
            return True
        steps = self.plan.total_steps or self.plan.time_seconds / best.least
        return candidate.building_seconds + steps * candidate.least < LEAST_GAIN * steps * best.least

    def _measured(self, way: Way) -> Candidate | None:
        """Return a training of a copy of the module after its first steps; None where it cannot be had, which is noted."""
        began, reason = time.monotonic(), ""
        left = self.allowed - self._passed
        limit = time_limit(left) if way.compile != "none" and left > 0 and can_limit(left) else nullcontext()
        number = len(self._open)
        try:
            with limit:
                self._open.append(build_candidate(way, self.plan, self.data, self.module, rows=self._rows))
                self._open[-1].warm_up()
            if self._open[-1].is_divided:
                reason = NO_MEMORY
        except TimeIsUpError:
            reason = f"compiling it took longer than {time.monotonic() - began:.0f} s"
        except Exception as error:  # the border: not every module takes another layout or type
            is_full = isinstance(error, OutOfMemoryError) or is_out_of_memory(error)
            reason = NO_MEMORY if is_full else f"it fails with {type(error).__name__}"
        # Outside of the handlers: their frames hold what filled the memory.
        self._dearest = max(self._dearest, time.monotonic() - began)
        if not reason:
            return self._open[-1]
        self.ruled_out.append(RuledOut(**way.model_dump(), reason=reason))
        for candidate in self._open[number:]:
            self._close(candidate)
        if reason == NO_MEMORY:
            free_memory()
        return None

    def _close(self, candidate: Candidate) -> None:
        """Give back one of those that were tried."""
        self._open.remove(candidate)
        self._closed_rows += candidate.num_rows
        candidate.close()

    def _compare(self, plain: Candidate, best: Candidate) -> bool:
        """Time both in turns, so that a noisy moment hits both, with whole batches if there is time; tell whether they fit."""
        has_time = self._passed + FEW * (self._whole(plain) + self._whole(best)) < self.allowed
        if has_time and self._affords(2 * FEW, is_whole=True):
            self._rows = 0
            plain.whole()
            if not self._fits_whole(best):
                self.ruled_out.append(RuledOut(**best.way.model_dump(), reason=NO_MEMORY))
                return False
        took = 0.0
        for _ in range(ROUNDS):
            began = self._passed
            if began + took > self.allowed or not self._affords(plain.turn_steps + best.turn_steps):
                break
            plain.turn()
            best.turn()
            took = self._passed - began
        return True

    def _fits_whole(self, best: Candidate) -> bool:
        """Take whole batches, and tell whether the memory suffices for them."""
        try:
            best.whole()
        except Exception as error:  # the border: as in `_measured`
            if not (isinstance(error, OutOfMemoryError) or is_out_of_memory(error)):
                raise
            return False
        return not best.is_divided
