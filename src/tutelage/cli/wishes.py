"""From the words of `train` and `plan` to a request: a recipe file first, then --set, then the named options."""

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tutelage.cli.main import STARTED
from tutelage.core.errors import UsageError
from tutelage.core.names import readable
from tutelage.planning.recipe import merge, parse_setting, read_recipe, recipe_from
from tutelage.run.start import Request
from tutelage.run.task_setting import with_task_setting
from tutelage.track.console import Console

__all__ = ["make_request", "wishes_said"]

BUDGETS = ("epochs", "steps", "time", "env_steps")
OF_SOURCE = ("header", "text", "series_id", "time_column", "known")
"""Options that are settings of the source."""
PLAIN = {
    "target": "target",
    "task": "task",
    "model": "model",
    "test": "test",
    "on_bad_data": "on_bad_data",
    "start_from": "start_from",
    "until": "until",
}


def make_request(arguments: argparse.Namespace, *, is_quiet: bool) -> Request:
    """Return what the words ask for.

    Raises:
        RecipeError: A wish that is not understood.
        UsageError: No source was named.
    """
    values: dict[str, Any] = read_recipe(Path(arguments.recipe)) if arguments.recipe else {}
    settings = [parse_setting(setting) for setting in arguments.set]
    if any(getattr(arguments, key) is not None for key in BUDGETS) or any(keys[0] == "budget" for keys, _ in settings):
        # What is said on the command line stands in place of the recipe file's budget; said twice there, it is refused.
        values = {**values, "budget": _without_amounts(values)}
    for keys, value in settings:
        values = merge(values, keys, value)
    if arguments.algorithm is not None:
        if arguments.task is not None:
            raise UsageError(f"--algorithm {arguments.algorithm} and --task {arguments.task} say the same thing. Leave one out.")
        arguments.task = arguments.algorithm
    for option, key in PLAIN.items():
        if getattr(arguments, option) is not None:
            values = merge(values, [key], getattr(arguments, option))
    if arguments.source:
        said = values.get("source")
        values["source"] = {**said, "path": arguments.source} if isinstance(said, dict) else arguments.source
    for setting in OF_SOURCE:
        if getattr(arguments, setting) is not None:
            said = values.get("source", "")
            values["source"] = {**(said if isinstance(said, dict) else {"path": said}), setting: getattr(arguments, setting)}
    if arguments.horizon is not None:
        horizon = _number("horizon", arguments.horizon)
        if isinstance(horizon, int) and horizon <= 0:
            raise UsageError(f"--horizon {horizon}: expected a whole number > 0. Leave it out for one season.")
        values = with_task_setting(values, "horizon", horizon)
    if not values.get("source"):
        raise UsageError("no SOURCE given. Name a folder, a file, or a bundled set such as sklearn:digits.")
    budget = {key: _number(key, getattr(arguments, key)) for key in BUDGETS if getattr(arguments, key) is not None}
    if budget:
        kept = _without_amounts(values)
        values["budget"] = {**kept, **budget} if isinstance(kept, Mapping) else kept
    if arguments.seed is not None:
        values["seed"] = _number("seed", arguments.seed)
    recipe = recipe_from(values, where=arguments.recipe or "command line")
    sinks = [Console(mode="quiet" if is_quiet else "auto").open(Path(arguments.out or "."))]
    return Request(
        recipe, out=arguments.out, command=readable(shlex.join(["tutelage", *sys.argv[1:]])), sinks=sinks, started=STARTED
    )


def wishes_said(arguments: argparse.Namespace) -> list[str]:
    """Return which words of `train` were given, as they are typed."""
    keys = (*BUDGETS, *PLAIN, *OF_SOURCE, "algorithm", "horizon", "recipe", "seed", "set")
    said = [key.replace("_", "-") for key in keys if getattr(arguments, key) not in (None, [])]
    return [f"--{'from' if key == 'start-from' else key}" for key in said]


def _without_amounts(values: Mapping[str, Any]) -> Any:
    """Return a recipe's budget without how much it says; what is no table stays, to be refused as what it is."""
    budget = values.get("budget", {})
    return {key: value for key, value in budget.items() if key not in BUDGETS} if isinstance(budget, Mapping) else budget


def _number(key: str, text: str) -> float | int | str:
    """Read the value of an option that takes a number (times and counts such as 100k are read later, with their unit)."""
    if key in ("time", "env_steps"):
        return text
    try:
        return float(text) if key == "epochs" else int(text)
    except ValueError as error:
        kind = "a number" if key == "epochs" else "a whole number"
        raise UsageError(f"--{key} {text!r}: expected {kind}.") from error
