"""A setting of the task that is said by itself, such as the horizon of a forecast."""

from collections.abc import Mapping
from typing import Any

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.core.spec import Component

__all__ = ["with_task_setting"]


def with_task_setting(values: Mapping[str, Any], setting: str, value: object) -> dict[str, Any]:
    """Return a recipe's nested tables with a setting of the task put in; where no task is named, the one that has it is.

    Raises:
        RecipeError: The task that is named has no such setting.
    """
    said = values.get("task", "auto")
    table = said.model_dump() if isinstance(said, Component) else {"kind": said} if isinstance(said, str) else dict(said)
    kind = table.get("kind", "auto")
    having = [name for name in catalog.names("task") if setting in catalog.load("task", name).model_fields]
    if kind == "auto" and len(having) == 1:
        kind = having[0]
    if kind not in having:
        raise RecipeError(f"recipe: task {kind!r} has no setting {setting!r}. It goes with --task {' or '.join(having)}.")
    return {**values, "task": {**table, "kind": kind, setting: value}}
