"""What trying has found before on this machine: an equal training computes the same way, to the same bits, at no price.

Kept beside the forecasts in the cache folder. Equal are the plan before anything was tried, the data, what the user says, and
all that bits depend on: processor, threads, versions.
"""

import hashlib
import json
from typing import Any

from pydantic import ValidationError

from tutelage.core.cache_folder import cache_folder
from tutelage.foresight.history import History
from tutelage.planning.execution import Execution, Way
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.run.known_runs import plan_key
from tutelage.run.way_trial import COMPILE_SECONDS, SHARE, Trial
from tutelage.task.base import Data

__all__ = ["KnownWays"]

MUCH_LONGER = 4.0
"""A trial that had no time for everything is made again where there is so many times as much."""


class KnownWays:
    """What was found for trainings equal to one."""

    def __init__(self, plan: Plan, data: Data, recipe: Recipe) -> None:
        """Name the training."""
        said = [recipe.precision, recipe.compile, recipe.memory_format, recipe.threads, recipe.num_micro]
        text = json.dumps([plan_key(plan), data.fingerprint, said])
        self._plan = plan
        self._key = f"way {hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def found(self) -> tuple[Way, Execution] | None:
        """Return what was found; None where nothing was, or where a new trial has the time to find more."""
        record = History(cache_folder()).known(self._key)
        if record is None:
            return None
        try:
            way, execution = Way.model_validate(record["way"]), Execution.model_validate(record["execution"])
            allowed, is_complete = float(record["allowed"]), bool(record["is_complete"])
        except (KeyError, TypeError, ValueError, ValidationError):
            # A border: the file may be of another version, or another hand.
            return None
        if not execution.tried or not self._suffices(way, execution, allowed=allowed, is_complete=is_complete):
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

    def _suffices(self, way: Way, execution: Execution, *, allowed: float, is_complete: bool) -> bool:
        """Tell whether what was found is what a trial of this training would find."""
        plain = execution.tried[0]
        whole = plain.step_seconds * (self._plan.batch_size / plain.rows if plain.rows else 1.0)
        now = SHARE * (self._plan.time_seconds or self._plan.total_steps * whole)
        if way.compile != self._plan.compile and now < COMPILE_SECONDS:
            return False
        return is_complete or now <= MUCH_LONGER * allowed
