"""Which way of computing a step of an own module is the fastest here: tried on real batches, for a small share of the budget.

Nothing is known of a module that somebody passes, so nothing is assumed: its real step is timed in float32 and bfloat16, with
images in both memory formats and, where the budget is long, compiled. bfloat16 is taken only where loss and gradient on real
batches hold. Copies are tried; the module itself, its start and the random streams are not touched.
"""

import copy
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.planning.execution import Execution, MemoryFormat, TriedWay
from tutelage.planning.facts import Machine
from tutelage.planning.plan import Decision, Plan
from tutelage.planning.recipe import Recipe
from tutelage.run.compose import Composed, compose
from tutelage.task.base import Batch, Data

__all__ = ["Way", "choose_way"]

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
COMPILE_SECONDS = 45.0
"""What compiling is allowed to take of that share, about."""
LEAST_COSINE, MOST_LOSS_DIFFERENCE = 0.99, 0.02
"""Where bfloat16 counts as good: the direction of the gradient, and the loss, on each of some batches."""
CHECKED = 2
"""Batches on which that is looked at."""


@dataclass(frozen=True)
class Way:
    """A way to compute steps."""

    precision: str
    memory_format: MemoryFormat
    compile: str = "none"

    def plan(self, plan: Plan) -> Plan:
        """Return a plan that computes this way."""
        execution = Execution(memory_format=self.memory_format)
        return plan.but(precision=self.precision, compile=self.compile, execution=execution)


@dataclass
class Candidate:
    """A way with a training that is tried.

    Attributes:
        way: Which.
        composed: The training.
        times: Seconds of each timed step.
    """

    way: Way
    composed: Composed
    times: list[float] = field(default_factory=list)
    count: int = 0

    def step(self) -> float:
        """Make a step, and return its seconds."""
        state = self.composed.state
        began = time.perf_counter()
        batch = state.stream.next()
        if state.task.draws:
            batch = state.task.draw(batch, torch.Generator())
        state.step(state.task.usual_beat(self.count), batch, 0.0)
        if torch.device(state.step.options.device).type == "cuda":
            torch.cuda.synchronize()
        self.count += 1
        return time.perf_counter() - began

    def warm_up(self) -> None:
        """Make the step that builds kernels and moments, and time the next one."""
        self.step()
        self.times.append(self.step())

    @property
    def seconds(self) -> float:
        """Median time of a step."""
        return statistics.median(self.times)

    @property
    def least(self) -> float:
        """The shortest step: of few, it is the one that was disturbed the least."""
        return min(self.times)

    def told(self, **quality: float) -> TriedWay:
        """Return the figures."""
        way: dict[str, Any] = vars(self.way)
        return TriedWay(**way, step_seconds=self.seconds, **quality)


def choose_way(plan: Plan, data: Data, module: nn.Module, *, recipe: Recipe, machine: Machine) -> Plan:
    """Return the plan that computes the steps of an own module the fastest way; the same plan where nothing can be tried.

    Args:
        plan: As decided without looking at the module.
        data: Prepared data.
        module: The user's; it is copied.
        recipe: What was wished for stays as it is.
        machine: What it can compute fast.
    """
    if recipe.precision != "auto" and recipe.compile != "auto":
        return plan
    try:
        with _random_numbers_kept():
            return _Trial(plan, data, module).choose(recipe, machine)
    except Exception:  # the border: an own module may fail in any way when it is tried
        # Not the time to tell: if the plain way fails too, the training itself tells it with what to do.
        return plan


@dataclass
class _Trial:
    """Tries ways for one plan."""

    plan: Plan
    data: Data
    module: nn.Module
    tried: list[TriedWay] = field(default_factory=list)

    def choose(self, recipe: Recipe, machine: Machine) -> Plan:
        """Do what `choose_way` says."""
        plain = self._candidate(Way(self.plan.precision, "contiguous", self.plan.compile))
        if plain is None:
            return self.plan
        began = time.monotonic()
        plain.warm_up()
        allowed = SHARE * (self.plan.time_seconds or self.plan.total_steps * plain.seconds)
        ways = self._ways(recipe, machine, allowed=allowed)
        if not ways or allowed < LEAST_TRIALS * plain.seconds:
            return self.plan
        best = plain
        for way in ways:
            if time.monotonic() - began > allowed / 2:
                break
            best = self._better(way, best)
        if best is plain:
            return self._told(plain, plain)
        for _ in range(ROUNDS):
            if time.monotonic() - began > allowed:
                break
            for candidate in (plain, best):
                candidate.times.append(candidate.step())
        return self._told(plain, best)

    def _ways(self, recipe: Recipe, machine: Machine, *, allowed: float) -> list[Way]:
        """Return what is worth trying beside the plain way, the most promising first."""
        has_images = any(parameter.dim() == 4 and parameter.shape[-1] > 1 for parameter in self.module.parameters())
        formats: list[MemoryFormat] = ["channels_last", "contiguous"] if has_images else ["contiguous"]
        wished = recipe.precision != "auto"
        precisions = [self.plan.precision] if wished or not machine.bf16 else ["bfloat16", "float32"]
        ways = [Way(precision, form, self.plan.compile) for precision in precisions for form in formats]
        if recipe.compile == "auto" and machine.compiler and allowed > COMPILE_SECONDS:
            ways.append(Way(precisions[0], formats[0], "inductor"))
        return [way for way in ways if way != Way(self.plan.precision, "contiguous", self.plan.compile)]

    def _better(self, way: Way, best: Candidate) -> Candidate:
        """Return a way's candidate where it works and looks faster than the best so far."""
        try:
            candidate = self._candidate(way)
            if candidate is None:
                return best
            candidate.warm_up()
            if candidate.least < HOPELESS * best.least:
                candidate.times.append(candidate.step())
        except Exception:  # the border: a module that reshapes or writes into tensors may not take another layout or type
            return best
        if candidate.least >= best.least:
            self.tried.append(candidate.told())
            return best
        if best.way != Way(self.plan.precision, "contiguous", self.plan.compile):
            self.tried.append(best.told())
        return candidate

    def _candidate(self, way: Way) -> Candidate | None:
        """Return a training of a copy of the module; None where there can be no copy."""
        try:
            module = copy.deepcopy(self.module)
        except Exception:  # the border: modules may hold what cannot be copied, in any way of failing
            return None
        return Candidate(way, compose(way.plan(self.plan), self.data, module=module))

    def _told(self, plain: Candidate, best: Candidate) -> Plan:
        """Return the plan with what was chosen and the figures."""
        quality = _checked_quality(plain, best) if best.way.precision != plain.way.precision else {}
        is_chosen = best is not plain and best.seconds <= LEAST_GAIN * plain.seconds and _holds(quality)
        figures = [plain.told(), *([] if best is plain else [best.told(**quality)]), *self.tried]
        chosen = best if is_chosen else plain
        way = chosen.way
        execution = Execution(memory_format=way.memory_format, tried=tuple(figures))
        why = f"measured on this module: {1000 * plain.seconds:.3g} ms a step as it came, {1000 * chosen.seconds:.3g} ms so"
        if not is_chosen:
            why = f"measured on this module: no other way is clearly faster than {1000 * plain.seconds:.3g} ms a step"
            if quality and not _holds(quality):
                why = "measured on this module: bfloat16 is faster, but loss or gradient do not hold"
        if is_chosen and quality:
            why += f"; the gradient holds (cosine {quality['cosine']:.4f})"
        said = {"precision": way.precision, "compile": way.compile, "memory_format": way.memory_format}
        kept = [each for each in self.plan.decisions if each.key not in said]
        new = [Decision(key=key, value=str(value), reason=why) for key, value in said.items()]
        return way.plan(self.plan).but(execution=execution, decisions=(*kept, *new))


def _holds(quality: dict[str, float]) -> bool:
    """Tell whether a lower precision may be used."""
    return not quality or (quality["cosine"] >= LEAST_COSINE and quality["loss_difference"] <= MOST_LOSS_DIFFERENCE)


def _checked_quality(plain: Candidate, best: Candidate) -> dict[str, float]:
    """Return the same as `_quality`; where it cannot be found, figures that do not hold."""
    try:
        return _quality(plain, best)
    except Exception:  # the border: as in `_better`
        return {"cosine": -1.0, "loss_difference": 1e9}


def _quality(plain: Candidate, best: Candidate) -> dict[str, float]:
    """Return how gradient and loss in the best way's precision compare with float32: on real batches, the same weights."""
    state = plain.composed.state
    state.task.train()
    autocast = best.composed.state.step.autocast
    cosines, differences = [], []
    for _ in range(CHECKED):
        batch = state.stream.next()
        if state.task.draws:
            batch = state.task.draw(batch, torch.Generator())
        loss, gradient = _gradient(plain, batch)
        with autocast:
            other, rounded = _gradient(plain, batch)
        cosines.append(float(nn.functional.cosine_similarity(gradient, rounded, dim=0)))
        differences.append(abs(other - loss) / max(abs(loss), 1e-6))
    finite = all(np.isfinite([*cosines, *differences]))
    return {"cosine": min(cosines) if finite else -1.0, "loss_difference": max(differences) if finite else 1e9}


def _gradient(candidate: Candidate, batch: Batch) -> tuple[float, Tensor]:
    """Return the mean loss of a batch and its gradient as one vector, float32; what layers draw is the same each time."""
    task = candidate.composed.state.task
    phase = task.usual_beat(0)[0]
    parameters = candidate.composed.state.step.updates[phase].parameters
    torch.manual_seed(0)
    objective = task.objective(phase, batch)
    mean = objective.total / objective.weight
    gradients: Sequence[Tensor | None] = torch.autograd.grad(mean, parameters, allow_unused=True)
    flat = [torch.zeros_like(own) if each is None else each for each, own in zip(gradients, parameters, strict=True)]
    return float(mean.detach()), torch.cat([each.float().reshape(-1) for each in flat])


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
