"""What is said of an environment whose own code fails, or that returns what Gymnasium cannot take."""

import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from tutelage.core.errors import FaultyEnvironmentError
from tutelage.core.outlet import one_line

__all__ = ["broken"]

CHECK = "gymnasium.utils.env_checker.check_env(env) tells more"
MOST_CHARACTERS = 300


def broken(vector: Any, error: Exception, *, name: str, ages: np.ndarray | None) -> FaultyEnvironmentError:
    """Return the error that names environment, copy, step, what was raised and where, and what to do.

    Args:
        vector: The vector environment of Gymnasium whose `step` or `reset` has failed.
        error: What it raised.
        name: What the environment is called.
        ages: Steps of each copy since its reset, int64 [N]; None where it was the reset that failed.
    """
    copy = _copy_at(error, vector)
    which = "the environment" if copy is None else f"copy {copy} of the environment"
    verb = "reset" if ages is None else "step"
    place = "in its reset" if ages is None else f"at step {int(ages.max() if copy is None else ages[copy]) + 1:,} since its reset"
    last = traceback.extract_tb(error.__traceback__)[-1]
    is_own = "site-packages" not in Path(last.filename).parts
    line = f" in line {last.lineno} of {last.filename}" if is_own else ""
    raised = one_line(f"{type(error).__name__}: {error}"[:MOST_CHARACTERS])
    space = one_line(str(vector.single_observation_space)[:MOST_CHARACTERS])
    returns = f"an observation of its observation_space, {space}" + (
        " and a dict" if verb == "reset" else ", a number as reward, two truth values and a dict"
    )
    return FaultyEnvironmentError(
        f"{name}: {which} failed {place} ({raised}{line}). Mend its {verb}(): it has to return {returns}; {CHECK}."
    )


def _copy_at(error: Exception, vector: Any) -> int | None:
    """Return which copy was stepped when an error came up: the library knows it only in the loop over its copies."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        number = trace.tb_frame.f_locals.get("i") if trace.tb_frame.f_locals.get("self") is vector else None
        if isinstance(number, int):
            # Observations are put together after the loop, when it stands at the last copy whichever of them was wrong.
            return None if any("concatenate" in frame.name for frame in traceback.extract_tb(trace)) else number
        trace = trace.tb_next
    return None
