"""Which task a data set calls for: each task is asked, none is named."""

from tutelage.core import catalog
from tutelage.core.errors import DataError, DataProblem
from tutelage.core.spec import Component, grant
from tutelage.data.part.base import Part
from tutelage.planning.recipe import Recipe
from tutelage.task.base import TaskSpec

__all__ = ["choose_task"]


def choose_task(recipe: Recipe, part: Part) -> tuple[TaskSpec, str]:
    """Return the task, as wished or as the train part calls for, and why.

    Raises:
        DataError: The wished task, or every task, cannot learn from such data; the message says what each lacks.
        RecipeError: A setting that the task does not have.
    """
    if isinstance(recipe.task, Component):
        assert isinstance(recipe.task, TaskSpec)
        _require(recipe.task, part)
        return recipe.task, "as you said"
    specs: list[TaskSpec] = [catalog.load("task", kind)() for kind in catalog.names("task")]
    for spec in specs:
        reason = spec.claims(part)
        if reason:
            granted = grant(recipe.task, spec)
            assert isinstance(granted, TaskSpec)
            return granted, reason + _otherwise(granted, specs, part)
    lacks = [spec.refusal(part) for spec in specs if spec.needs_labels] or [spec.refusal(part) for spec in specs]
    found = next((lack for lack in lacks if lack), "no task fits such data")
    raise DataError([DataProblem(part.name, *_parted(found))])


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
