"""Which way of computing a step of an own module is the fastest here: tried on real batches, for a small share of the budget.

Nothing is known of a module that somebody passes, so nothing is assumed: its real step is timed in float32 and bfloat16, with
images in both memory formats, with fewer threads, in smaller parts and, where the budget is long, compiled. bfloat16 is taken
only where loss and gradient on real batches hold, parts only where their gradients add up to that of the whole batch. Copies
are tried; the module itself, its start and the random streams are not touched.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from tutelage.core.errors import OutOfMemoryError
from tutelage.core.memory import is_out_of_memory
from tutelage.planning.execution import Execution, MemoryFormat, RuledOut, TriedWay, Way
from tutelage.planning.facts import Machine
from tutelage.planning.plan import Decision, Plan
from tutelage.planning.recipe import Recipe
from tutelage.run.candidate import Candidate, build_candidate, by_way
from tutelage.run.time_limit import TimeIsUpError, can_limit, time_limit
from tutelage.run.way_quality import adds_up, holds, quality
from tutelage.task.base import Data
from tutelage.training.freed_memory import free_memory, keep_freed_memory

__all__ = ["choose_way", "told_of_trying"]

SHARE = 0.03
"""Share of the planned training that trying may take; half of it where the plain way turns out to be the best."""
LEAST_GAIN = 0.92
"""A way has to take at most this share of the plain way's time: less could be noise."""
HOPELESS = 1.1
"""A way that takes so many times the best so far is not tried on."""
LEAST_TRIALS = 5
"""Plain steps that have to fit into that share, or nothing is tried."""
ROUNDS = 7
"""Times that the plain and the best way are timed against each other."""
COMPILE_SECONDS = 30.0
"""What has to be left of that share, or compiling is not tried."""
MICRO = (2, 4)
"""Parts that a batch is cut into where what is computed may then stay in the caches."""
LEAST_ROWS = 16
"""Rows that such a part has at least."""
NO_MEMORY = "it does not fit into the memory"


def choose_way(plan: Plan, data: Data, module: nn.Module, *, recipe: Recipe, machine: Machine) -> Plan:
    """Return the plan that computes the steps of an own module the fastest way; the same plan where nothing can be tried.

    Args:
        plan: As decided without looking at the module.
        data: Prepared data.
        module: The user's; it is copied.
        recipe: What was wished for stays as it is.
        machine: What it can compute fast.
    """
    is_said = recipe.precision != "auto" and recipe.compile != "auto"
    if is_said or (plan.total_steps and SHARE * plan.total_steps < LEAST_TRIALS):
        return plan
    # As in the training: else what large steps take is mostly the fetching of memory.
    keep_freed_memory()
    trial = _Trial(plan, data, module, recipe, machine)
    try:
        with _random_numbers_kept():
            return trial.choose()
    except Exception:  # the border: an own module may fail in any way when it is tried
        # Not the time to tell: if the plain way fails too, the training itself tells it with what to do.
        return plan
    finally:
        trial.close()


def told_of_trying(plan: Plan) -> list[str]:
    """Say which ways of computing were ruled out, and why."""
    ruled_out = () if plan.execution is None else plan.execution.ruled_out
    return [f"steps are not computed in {way.say()}: {way.reason}" for way in ruled_out]


@dataclass
class _Trial:
    """Tries ways for one plan."""

    plan: Plan
    data: Data
    module: nn.Module
    recipe: Recipe
    machine: Machine
    began: float = field(default_factory=time.monotonic)
    allowed: float = 0.0
    dearest: float = 0.0
    """Seconds that the dearest of the ways took that were built and tried."""
    open: list[Candidate] = field(default_factory=list)
    tried: list[TriedWay] = field(default_factory=list)
    ruled_out: list[RuledOut] = field(default_factory=list)

    def choose(self) -> Plan:
        """Do what `choose_way` says."""
        # What is told by rules of thumb for the data, such as bfloat16 for pictures, has to show here that it pays and holds.
        is_free = self.recipe.precision == "auto"
        plain = self._measured(self.plan.way.but(precision="float32") if is_free else self.plan.way)
        if plain is None:
            return self.plan
        self.allowed = SHARE * (self.plan.time_seconds or self.plan.total_steps * plain.seconds)
        if self.allowed < LEAST_TRIALS * plain.seconds:
            return self.plan
        best = plain
        for propose in (self._layouts, self._fewer_threads, self._parts, self._compiled):
            for way in propose(best.way):
                if self._passed + self.dearest > self.allowed / 2:
                    break
                better = self._better(way, plain, best)
                if better is best and propose == self._parts:
                    break
                best = better
        if best is not plain:
            self._compare(plain, best)
        return self._decided(plain, best)

    def close(self) -> None:
        """Give back what was tried."""
        for candidate in self.open:
            candidate.close()
        self.open.clear()

    @property
    def _passed(self) -> float:
        """Seconds since trying began."""
        return time.monotonic() - self.began

    def _layouts(self, best: Way) -> Iterator[Way]:
        """Yield precisions and memory formats, the most promising first."""
        has_images = any(parameter.dim() == 4 and max(parameter.shape[2:]) > 1 for parameter in self.module.parameters())
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
        for number in MICRO:
            if self.plan.batch_size >= number * LEAST_ROWS and adds_up(self.open[0], number):
                yield best.but(num_micro=number)

    def _compiled(self, best: Way) -> Iterator[Way]:
        """Yield compiling, where there is time for it and it can be left when that is up."""
        left = self.allowed - self._passed
        is_open = self.recipe.compile == "auto" and best.compile == "none" and bool(self.machine.compiler)
        if is_open and left > COMPILE_SECONDS and can_limit(left):
            yield best.but(compile="inductor")

    def _better(self, way: Way, plain: Candidate, best: Candidate) -> Candidate:
        """Return a way's candidate where it works, holds and looks faster than the best so far; the slower one is closed."""
        candidate = self._measured(way)
        if candidate is None:
            return best
        if candidate.least < HOPELESS * best.least:
            candidate.turn()
        is_faster = candidate.least < best.least and self._pays(candidate, best)
        if is_faster and way.precision != plain.way.precision:
            candidate.quality = found = quality(plain, candidate)
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
        number = len(self.open)
        try:
            with limit:
                self.open.append(build_candidate(way, self.plan, self.data, self.module))
                self.open[-1].warm_up()
            if self.open[-1].is_divided:
                reason = NO_MEMORY
        except TimeIsUpError:
            reason = f"compiling it took longer than {time.monotonic() - began:.0f} s"
        except (
            Exception
        ) as error:  # the border: a module that reshapes or writes into tensors may not take another layout or type
            is_full = isinstance(error, OutOfMemoryError) or is_out_of_memory(error)
            reason = NO_MEMORY if is_full else f"it fails with {type(error).__name__}"
        # Outside of the handlers: their frames hold what filled the memory.
        self.dearest = max(self.dearest, time.monotonic() - began)
        if not reason:
            return self.open[-1]
        self.ruled_out.append(RuledOut(**way.model_dump(), reason=reason))
        for candidate in self.open[number:]:
            self._close(candidate)
        if reason == NO_MEMORY:
            free_memory()
        return None

    def _close(self, candidate: Candidate) -> None:
        """Give back one of those that were tried."""
        self.open.remove(candidate)
        candidate.close()

    def _compare(self, plain: Candidate, best: Candidate) -> None:
        """Time both in turns, so that a noisy moment hits both."""
        for _ in range(ROUNDS):
            if self._passed > self.allowed:
                break
            plain.turn()
            best.turn()

    def _decided(self, plain: Candidate, best: Candidate) -> Plan:
        """Return the plan with what was chosen and the figures."""
        is_chosen = best is not plain and best.seconds <= LEAST_GAIN * plain.seconds
        chosen = best if is_chosen else plain
        figures = [plain.told(), *([] if best is plain else [best.told()]), *self.tried]
        execution = Execution(
            memory_format=chosen.way.memory_format,
            num_threads=chosen.way.num_threads,
            step_seconds=chosen.seconds,
            tried=tuple(figures),
            ruled_out=tuple(self.ruled_out),
        )
        said = {key: value for key, value in _said(chosen.way, self.plan.way).items() if getattr(self.recipe, key) in ("auto", 1)}
        kept = [each for each in self.plan.decisions if each.key not in said]
        why = _why(plain, chosen, self.ruled_out)
        new = [Decision(key=key, value=value, reason=why) for key, value in said.items()]
        return by_way(chosen.way, self.plan).but(execution=execution, decisions=(*kept, *new))


def _said(way: Way, before: Way) -> dict[str, str]:
    """Return what was chosen by the keys of a recipe; threads and parts only where they are others than before."""
    said: dict[str, Any] = {"precision": way.precision, "compile": way.compile, "memory_format": way.memory_format}
    if way.num_threads != before.num_threads:
        said["threads"] = way.num_threads
    if way.num_micro != before.num_micro:
        said["num_micro"] = way.num_micro
    return {key: str(value) for key, value in said.items()}


def _why(plain: Candidate, chosen: Candidate, ruled_out: list[RuledOut]) -> str:
    """Say what the choice stands on."""
    if chosen is plain:
        rounded = any(way.precision != plain.way.precision and "hold" in way.reason for way in ruled_out)
        found = "bfloat16 is faster, but loss or gradient do not hold; " if rounded else ""
        return f"measured on this module: {found}no other way is clearly faster than {1000 * plain.seconds:.3g} ms a step"
    why = f"measured on this module: {1000 * plain.seconds:.3g} ms a step as it came, {1000 * chosen.seconds:.3g} ms so"
    return f"{why}; the gradient holds (cosine {chosen.quality['cosine']:.4f})" if chosen.quality else why


@contextmanager
def _random_numbers_kept() -> Iterator[None]:
    """Leave every default generator as it is."""
    before = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=list(devices)):
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])
