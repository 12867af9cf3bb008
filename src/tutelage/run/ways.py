"""Which way of computing a step of an own module is the fastest here: tried on real batches, for a small share of the budget.

Nothing is known of a module that somebody passes, so nothing is assumed: its real step is timed in float32 and bfloat16, with
images in both memory formats, with fewer threads, in smaller parts and, where the budget is long, compiled. bfloat16 is taken
only where loss and gradient on real batches hold, parts only where their gradients add up to that of the whole batch. Copies
are tried; the module itself, its start and the random streams are not touched. What was found is remembered: an equal training
on this machine computes the same way, without trying; only whether bfloat16 and parts hold is looked at again.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from tutelage.planning.execution import Execution, Way
from tutelage.planning.facts import Machine
from tutelage.planning.plan import Decision, Plan
from tutelage.planning.recipe import Recipe
from tutelage.run.candidate import by_way
from tutelage.run.known_ways import KnownWays, is_said
from tutelage.run.way_again import looked_at_again
from tutelage.run.way_trial import Trial, is_worth_trying, steps_worth_trying
from tutelage.task.base import Data
from tutelage.training.freed_memory import keep_freed_memory

__all__ = ["choose_way", "told_of_trying"]

HERE, BEFORE = "measured on this module", "measured on an equal module and these data before"
AGAIN = f"{BEFORE}, loss and gradient looked at again now"


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
    known = KnownWays(plan, data, recipe, machine)
    found = known.found()
    if found is not None:
        way, remembered = found
        with _random_numbers_kept():
            execution = looked_at_again(way, remembered, plan, data, module)
        if execution is not None:
            return _decided(plan, way, execution, recipe=recipe, measured=BEFORE if execution is remembered else AGAIN)
    if not is_worth_trying(plan):
        few = f"other ways to compute your module are tried from {steps_worth_trying(plan):,} steps on, of which there are "
        few += f"{plan.total_steps:,}"
        return plan.but(decisions=(*plan.decisions, Decision(key="execution", value="as it came", reason=few)))
    # As in the training: else what large steps take is mostly the fetching of memory.
    keep_freed_memory()
    trial = Trial(plan, data, module, recipe, machine)
    try:
        with _random_numbers_kept():
            outcome = trial.run()
            if outcome is None:
                return plan
            way, execution = outcome[1].way, trial.execution(*outcome)
    except Exception:  # the border: an own module may fail in any way when it is tried
        # Not the time to tell: if the plain way fails too, the training itself tells it with what to do.
        return plan
    finally:
        trial.close()
    known.remember(way, execution, trial)
    return _decided(plan, way, execution, recipe=recipe, measured=HERE)


def told_of_trying(plan: Plan) -> list[str]:
    """Say which ways of computing were ruled out, and why."""
    ruled_out = () if plan.execution is None else plan.execution.ruled_out
    return [f"steps are not computed in {way.say()}: {way.reason}" for way in ruled_out]


def _decided(plan: Plan, way: Way, execution: Execution, *, recipe: Recipe, measured: str) -> Plan:
    """Return the plan with what was chosen, and why."""
    said = {key: value for key, value in _said(way, plan.way).items() if not is_said(recipe, key)}
    kept = [each for each in plan.decisions if each.key not in said]
    why = f"{measured}: {_why(way, execution)}"
    new = [Decision(key=key, value=value, reason=why) for key, value in said.items()]
    return by_way(way, plan).but(execution=execution, decisions=(*kept, *new))


def _said(way: Way, before: Way) -> dict[str, str]:
    """Return what was chosen by the keys of a recipe; threads and parts only where they are others than before."""
    said: dict[str, Any] = {"precision": way.precision, "compile": way.compile, "memory_format": way.memory_format}
    if way.num_threads != before.num_threads:
        said["threads"] = way.num_threads
    if way.num_micro != before.num_micro:
        said["num_micro"] = way.num_micro
    return {key: str(value) for key, value in said.items()}


def _why(way: Way, execution: Execution) -> str:
    """Say what the choice stands on."""
    plain = execution.tried[0]
    if all(getattr(plain, key) == value for key, value in way):
        rounded = any(out.precision != plain.precision and "hold" in out.reason for out in execution.ruled_out)
        found = "bfloat16 is faster, but loss or gradient do not hold; " if rounded else ""
        return f"{found}no other way is clearly faster than {plain.say_seconds()}"
    chosen = execution.tried[1]
    why = f"{plain.say_seconds()} as it came, {chosen.say_seconds()} so"
    return f"{why}; the gradient holds (cosine {chosen.cosine:.4f})" if chosen.precision != plain.precision else why


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
