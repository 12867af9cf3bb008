"""Tutelage: the whole training process of deep models as one program.

>>> import tutelage
>>> run = tutelage.train("sklearn:iris", epochs=2, quiet=True, out=tmp_run)  # doctest: +SKIP
>>> run.metrics["test/accuracy"], run.predict("flowers.csv")  # doctest: +SKIP
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from tutelage.core.threads import calm_threads

if TYPE_CHECKING:
    from tutelage.api import distill, estimate, explain, open_run, plan, resume, train
    from tutelage.core.errors import DataError, DataProblem, DivergedError, RecipeError, RunError, TutelageError, UsageError
    from tutelage.planning.plan import Plan
    from tutelage.planning.recipe import Recipe
    from tutelage.run.prediction import Prediction
    from tutelage.run.run import Run

__version__ = "0.1.0"

_WHERE = {
    "DataError": "core.errors",
    "DivergedError": "core.errors",
    "Plan": "planning.plan",
    "Prediction": "run.prediction",
    "DataProblem": "core.errors",
    "Recipe": "planning.recipe",
    "RecipeError": "core.errors",
    "Run": "run.run",
    "RunError": "core.errors",
    "TutelageError": "core.errors",
    "UsageError": "core.errors",
    "distill": "api",
    "estimate": "api",
    "explain": "api",
    "open_run": "api",
    "plan": "api",
    "resume": "api",
    "train": "api",
}

__all__ = [
    "DataError",
    "DivergedError",
    "Plan",
    "Prediction",
    "DataProblem",
    "Recipe",
    "RecipeError",
    "Run",
    "RunError",
    "TutelageError",
    "UsageError",
    "__version__",
    "distill",
    "estimate",
    "explain",
    "open_run",
    "plan",
    "resume",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import tutelage` is instant."""
    if name not in _WHERE:
        raise AttributeError(f"module 'tutelage' has no attribute {name!r}")
    calm_threads(os.environ)
    return getattr(importlib.import_module(f"tutelage.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
