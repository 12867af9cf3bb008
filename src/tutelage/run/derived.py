"""A run folder made from a run, without training: its preprocessing and data, another model, and scores of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tutelage.core import layout
from tutelage.core.manifest import Manifest
from tutelage.predictor.ensemble import Answerer
from tutelage.run.measure import measure_batches, metrics_of
from tutelage.run.run import Run
from tutelage.task.rows import PreparedPart

__all__ = ["ended", "scored", "write_derived"]

COPIED = (layout.RECIPE, layout.ENV, layout.DATA)
"""What is taken from the run as it is: how rows are read, and where they are."""
PREFIXES = {"validation": "val", "test": "test"}


def write_derived(folder: Path, run: Run, answerer: Answerer, *, command: str) -> None:
    """Write what makes a folder a run: how rows are read, the model, and at last the plan.

    Args:
        folder: A new folder.
        run: Where the rest comes from.
        answerer: The model.
        command: What makes it again.
    """
    for name in layout.FOLDERS:
        (folder / name).mkdir()
    manifest = Manifest(folder)
    for file in COPIED:
        manifest.put(file, run.files.content(file))
    path = folder / layout.BEST / layout.PREDICTOR
    answerer.save(path, announce=lambda seal: manifest.announcing(path, seal=seal))
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


def ended(run: Run, folder: Path, *, command: str, seconds: float, stopped: str) -> dict[str, Any]:
    """Return what result.json says of any run that has ended, but for its scores."""
    task = run.decided.task
    return {
        "run": str(folder),
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
