"""A run folder as the source of an estimate: what is one, and which words may be said beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from tutelage.core import layout
from tutelage.core.errors import UsageError
from tutelage.core.journal import read_journal
from tutelage.planning.recipe import Recipe
from tutelage.run.start import Request

__all__ = ["is_run", "request_beside_run"]


def is_run(source: object) -> bool:
    """Tell whether a source is the folder of a run, even of one whose plan is lost: resuming puts it back."""
    if not isinstance(source, str | Path) or not str(source):
        return False
    # Data may have a file of that name too.
    return (Path(source) / layout.PLAN).is_file() or bool(read_journal(Path(source)).entries)


def request_beside_run(words: Mapping[str, Any], *, test: Any, marks: Any) -> Request:
    """Return the request that goes on with a run.

    Args:
        words: What was said beside it, by name; None and "auto" say nothing.
        test: The same test arrays, if it was given such.
        marks: The same groups or times of rows.

    Raises:
        UsageError: Words that would change nothing, since a run goes on by its own plan.
    """
    model = words.get("model")
    said = {name for name, value in words.items() if value is not None and not (isinstance(value, str) and value == "auto")}
    idle = sorted(said - {"data", *(["model"] if isinstance(model, nn.Module) else [])})
    if idle:
        raise UsageError(
            f"{' and '.join(idle)}: a run goes on by its own plan, and so does its forecast. "
            f"Leave {'them' if len(idle) > 1 else 'it'} out."
        )
    return Request(
        Recipe(), data=words.get("data"), module=model if isinstance(model, nn.Module) else None, test=test, marks=marks
    )
