"""Which task a data set calls for: each task is asked, none is named."""

from collections.abc import Sequence

from tutelage.core import catalog
from tutelage.core.errors import DataError, DataProblem, RecipeError
from tutelage.core.spec import Component, grant
from tutelage.data.part.base import Part
from tutelage.planning.recipe import Recipe
from tutelage.task.base import TaskSpec

__all__ = ["choose_task", "strongest_claim"]


def choose_task(recipe: Recipe, part: Part) -> tuple[TaskSpec, str]:
    """Return the task, as wished or as the train part calls for, and why.

    Raises:
        DataError: The wished task, or every task, cannot learn from such data; the message says what each lacks.
        RecipeError: A setting that the task does not have; or several tasks claim the data alike.
    """
    if isinstance(recipe.task, Component):
        assert isinstance(recipe.task, TaskSpec)
        _require(recipe.task, part)
        return recipe.task, "as you said"
    specs: list[TaskSpec] = [catalog.load("task", kind)() for kind in catalog.names("task")]
    claimed = strongest_claim(specs, part)
    if claimed is not None:
        spec, reason = claimed
        granted = grant(recipe.task, spec)
        assert isinstance(granted, TaskSpec)
        return granted, reason + _otherwise(granted, specs, part)
    lacks = [spec.refusal(part) for spec in specs if spec.needs_labels] or [spec.refusal(part) for spec in specs]
    found = next((lack for lack in lacks if lack), "no task fits such data")
    raise DataError([DataProblem(part.name, *_parted(found))])


def strongest_claim(specs: Sequence[TaskSpec], part: Part) -> tuple[TaskSpec, str] | None:
    """Return the task with the strongest claim to the train part, and its reason; None where no task claims it.

    Raises:
        RecipeError: Several claims are the strongest.
    """
    claims = [(claim, spec) for spec in specs if (claim := spec.claims(part)) is not None]
    if not claims:
        return None
    highest = max(claim.strength for claim, _ in claims)
    first, *tied = [(spec, claim.reason) for claim, spec in claims if claim.strength == highest]
    if tied:
        kinds = [str(getattr(spec, "kind", "")) for spec, _ in (first, *tied)]
        say = " or ".join(f"--task {kind}" for kind in kinds)
        raise RecipeError(f"recipe: task = 'auto': tasks {', '.join(kinds)} claim these data alike. Say which: {say}.")
    return first


def _require(spec: TaskSpec, part: Part) -> None:
    """Refuse data that a wished task cannot learn from."""
    lack = spec.refusal(part)
    if lack:
        raise DataError([DataProblem(part.name, *_parted(lack))])


def _otherwise(chosen: TaskSpec, specs: list[TaskSpec], part: Part) -> str:
    """Return how to say that another task of the same need is meant, or ""."""
    kinds = [
        str(getattr(spec, "kind", ""))
        for spec in specs
        if type(spec) is not type(chosen) and spec.needs_labels and chosen.needs_labels and not spec.refusal(part)
    ]
    return f" (otherwise: {' or '.join(f'--task {kind}' for kind in kinds)})" if kinds else ""


def _parted(text: str) -> tuple[str, str]:
    """Part a refusal into what was found and what to do."""
    found, _, remedy = text.partition(". ")
    return found.rstrip("."), remedy or "Name another task: tutelage list task."
