"""The preprocessing of a training that starts from what is known: kept where it fits the new data, else fitted anew."""

from typing import Literal

import numpy as np

from tutelage.core import catalog
from tutelage.core.errors import DataError, RecipeError
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.prepare.kept import Kept
from tutelage.data.source.base import Collected
from tutelage.planning.plan import Decision
from tutelage.planning.recipe import Recipe
from tutelage.run.origin import Origin

__all__ = ["kept_recipe"]

LOOK_ROWS = 8
"""Rows by which it is found out whether a preprocessing takes the new data."""


def kept_recipe(recipe: Recipe, origin: Origin | None, collected: Collected) -> tuple[Recipe, tuple[Decision, ...]]:
    """Return the recipe with the preprocessing that is kept, where that is wished or fits, and what was decided.

    Raises:
        RecipeError: It is to be kept, and the data do not fit it; or another one is named beside it.
    """
    wish = recipe.start_from.prepare
    if origin is None or (origin.task is not None and origin.task.plays):
        return recipe, ()
    if recipe.prepare != "auto":
        if wish == "keep":
            raise RecipeError("recipe: start_from.prepare = 'keep' and prepare = ... were both given. Leave one out.")
        return recipe, ()
    misfit = "you want it fitted anew" if wish == "refit" else _misfit(origin, collected.train)
    if misfit and wish == "keep":
        raise RecipeError(f"recipe: start_from.prepare = 'keep': {misfit}. Leave it out, or say start_from.prepare = 'refit'.")
    assert origin.fitted is not None or misfit
    if misfit or origin.fitted is None or origin.fitted.is_of_its_data:
        return _refitted(recipe, origin, collected.train, wish=wish, misfit=misfit)
    return recipe.but(prepare=Kept(of=origin.prepare, state=origin.fitted.state())), ()


def _refitted(
    recipe: Recipe, origin: Origin, part: Part, *, wish: Literal["auto", "keep", "refit"], misfit: str
) -> tuple[Recipe, tuple[Decision, ...]]:
    """Return the recipe with a preprocessing that is fitted anew, in the sizes that the network was made for where these suit."""
    sizes = origin.fitted.lasting(part) if origin.fitted is not None and wish != "refit" else {}
    kept = ", ".join(sizes)
    value = f"refit; {kept} as before" if sizes else "refit"
    reason = "as you asked" if wish == "refit" else misfit or "what was fitted belongs to the series that it was fitted to"
    told = Decision(key="start_from.prepare", value=value, reason=reason)
    return recipe.but(prepare=catalog.load("prepare", origin.prepare)(**sizes)) if sizes else recipe, (told,)


def _misfit(origin: Origin, part: Part) -> str:
    """Return why the preprocessing of what a training starts from does not take a part; "" where it does."""
    if origin.fitted is None:
        return f"{origin.name} has no preprocessing"
    if not isinstance(part, RowsPart):
        return origin.fitted.misfit(part)
    try:
        origin.fitted.apply(part.select(np.arange(min(LOOK_ROWS, len(part)))))
    except DataError as error:
        return f"the new data do not fit it: {error.problems[0].where}: {error.problems[0].found}"
    return ""
