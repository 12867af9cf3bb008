"""A run folder made from a run, without training: its preprocessing and data, another model, and scores of its own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tutelage.core import layout
from tutelage.core.json_values import json_values
from tutelage.core.manifest import Manifest
from tutelage.predictor.ensemble import Answerer
from tutelage.run.ending import ENDED
from tutelage.run.measure import measure_batches, metrics_of
from tutelage.run.run import Run
from tutelage.task.rows import PreparedPart

__all__ = ["ended", "scored", "write_derived"]

COPIED = (layout.RECIPE, layout.ENV, layout.DATA)
"""What is taken from the run as it is: how rows are read, and where they are."""
PREFIXES = {"validation": "val", "test": "test"}


def write_derived(
    folder: Path, run: Run, answerer: Answerer, *, command: str, result: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
) -> None:
    """Write all that makes a folder a run that has ended: how rows are read, the model, its scores, and at last the plan.

    Args:
        folder: A new folder.
        run: Where the rest comes from.
        answerer: The model.
        command: What makes it again.
        result: All of result.json, or what returns it once the model is written.
    """
    for name in layout.FOLDERS:
        (folder / name).mkdir()
    manifest = Manifest(folder)
    for file in COPIED:
        manifest.put(file, run.files.content(file))
    path = folder / layout.BEST / layout.PREDICTOR
    answerer.save(path, announce=lambda seal: manifest.announcing(path, seal=seal))
    manifest.put_json(layout.RESULT, json_values(dict(result() if callable(result) else result)), state=ENDED)
    # Last: without it there is no run, and with it nothing is missing that a resumed training would make anew.
    manifest.put_json(layout.PLAN, run.files.record(layout.PLAN) | {"command": command})


def scored(answerer: Answerer, run: Run, parts: Mapping[str, PreparedPart]) -> dict[str, Any]:
    """Return `metrics` and their `intervals` on parts that are named `validation` and `test`, by the run's metrics."""
    plan, found = run.decided, {"metrics": dict[str, Any](), "intervals": dict[str, Any]()}
    shown = "test" if "test" in parts else "validation"
    for name, part in parts.items():
        assert part.truth is not None
        metrics = metrics_of(plan, answerer.target) if name == shown else plan.metrics
        batches = answerer.batches(part.part)
        values, intervals = measure_batches(batches, part.truth, metrics=metrics, seed=plan.seed, part=PREFIXES[name])
        found["metrics"] |= values
        found["intervals"] |= intervals
    return found


def ended(run: Run, *, command: str, seconds: float, stopped: str) -> dict[str, Any]:
    """Return what result.json says of any run that has ended, but for its scores."""
    task = run.decided.task
    return {
        "task": getattr(task, "kind", ""),
        "noun": task.noun,
        "answers_rows": task.answers_rows,
        "headline": f"test/{run.decided.headline}",
        "best_step": 0,
        "last_step": 0,
        "stopped": stopped,
        "refused_steps": 0,
        "rollbacks": [],
        "seconds": round(seconds, 2),
        "command": command,
    }
