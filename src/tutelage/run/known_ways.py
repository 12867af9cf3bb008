"""What trying has found before on this machine: an equal training computes the same way, to the same bits, at no price.

Kept beside the forecasts in the cache folder. Equal are the plan before anything was tried, the data, what the user says, and
all that bits depend on: processor, threads, versions.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from tutelage.core.border import BorderError
from tutelage.core.cache_folder import cache_folder
from tutelage.core.typed import Finite, take
from tutelage.foresight.history import History
from tutelage.planning.execution import Execution, Way
from tutelage.planning.facts import Machine
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.run.known_runs import plan_key
from tutelage.run.way_trial import COMPILE_SECONDS, SHARE, Trial
from tutelage.task.base import Data

__all__ = ["KnownWays", "is_said"]

SAID: Mapping[str, str] = {
    "precision": "precision",
    "memory_format": "memory_format",
    "compile": "compile",
    "threads": "num_threads",
    "num_micro": "num_micro",
}
"""What a user may say of how steps are computed, by its name in a way."""
USUAL: Mapping[str, object] = {"num_micro": 1}
"""What stands in a recipe where nothing is said; of the others `auto`."""
MUCH_LONGER = 4.0
"""A trial that had no time for everything is made again where there is so many times as much."""


def is_said(recipe: Recipe, key: str) -> bool:
    """Tell whether the user says something of how steps are computed."""
    return bool(getattr(recipe, key) != USUAL.get(key, "auto"))


class KnownWays:
    """What was found for trainings equal to one."""

    def __init__(self, plan: Plan, data: Data, recipe: Recipe, machine: Machine) -> None:
        """Name the training."""
        said = [recipe.precision, recipe.compile, recipe.memory_format, recipe.threads, recipe.num_micro]
        text = json.dumps([plan_key(plan), data.fingerprint, said])
        self._plan, self._recipe, self._machine = plan, recipe, machine
        self._key = f"way {hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def found(self) -> tuple[Way, Execution] | None:
        """Return what was found; None where nothing was, or where a new trial has the time to find more."""
        record = History(cache_folder()).known(self._key)
        if record is None:
            return None
        try:
            way, execution = Way.model_validate(record["way"]), Execution.model_validate(record["execution"])
            allowed, is_complete = take(record, "allowed", Finite), take(record, "is_complete", bool)
        except (BorderError, KeyError, ValidationError):
            # A border: the file may be of another version, or another hand.
            return None
        if not self._may_be_taken(way, execution) or not self._suffices(way, execution, allowed=allowed, is_complete=is_complete):
            return None
        return way, execution

    def remember(self, way: Way, execution: Execution, trial: Trial) -> None:
        """Keep what a trial has found; where it cannot be written, nothing happens."""
        kept: dict[str, Any] = {
            "way": way.model_dump(mode="json"),
            "execution": execution.model_dump(mode="json"),
            "allowed": trial.allowed,
            "is_complete": trial.is_complete,
        }
        History(cache_folder()).add({"key": self._key, "measured": kept})

    def _may_be_taken(self, way: Way, execution: Execution) -> bool:
        """Tell whether a trial could have found a way: it was tried, and keeps to the machine and to what the user says."""
        tried = [Way.model_validate({name: getattr(each, name) for name in Way.model_fields}) for each in execution.tried]
        is_one = (execution.memory_format, execution.num_threads) == (way.memory_format, way.num_threads)
        # The plain way, and the best one where that is another.
        if way not in tried[:2] or not is_one:
            return False
        plain, machine = self._plan.way, self._machine
        said = [name for key, name in SAID.items() if is_said(self._recipe, key)]
        is_as_said = all(getattr(way, name) == getattr(plain, name) for name in said)
        is_rounded = way.precision not in ("float32", plain.precision) and not machine.bf16
        is_compiled = way.compile not in ("none", plain.compile) and not machine.compiler
        is_threaded = way.num_threads > max(machine.num_threads, plain.num_threads)
        return is_as_said and way.num_micro <= self._plan.batch_size and not (is_rounded or is_compiled or is_threaded)

    def _suffices(self, way: Way, execution: Execution, *, allowed: float, is_complete: bool) -> bool:
        """Tell whether what was found is what a trial of this training would find."""
        plain = execution.tried[0]
        whole = plain.step_seconds * (self._plan.batch_size / plain.rows if plain.rows else 1.0)
        now = SHARE * (self._plan.time_seconds or self._plan.total_steps * whole)
        if way.compile != self._plan.compile and now < COMPILE_SECONDS:
            return False
        return is_complete or now <= MUCH_LONGER * allowed
