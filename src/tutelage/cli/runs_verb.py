"""`tutelage runs [DIR]`: the runs of a folder with their scores."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tutelage.core import layout
from tutelage.core.amount import say_seconds
from tutelage.core.errors import UsageError

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """List every run folder below DIR, the newest last."""
    folder = Path(arguments.folder)
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder. Runs are made by tutelage train, below runs/ if --out is not given.")
    plans = sorted(folder.rglob(layout.PLAN), key=lambda path: path.stat().st_mtime)
    records = [_record(path.parent) for path in plans]
    if arguments.json:
        sys.stdout.write(json.dumps({"runs": records}) + "\n")
        return 0
    if not records:
        sys.stderr.write(f"no runs below {folder}/\n")
        return 0
    width = max((len(record["run"]) for record in records), default=3)
    print(f"{'run':<{width}}  {'task':<9} {'score':<24} {'time':<12} ended")
    for record in records:
        name, score = record["score"]
        shown = f"{name} {score:.4f}" if isinstance(score, float) else "-"
        seconds = say_seconds(record["seconds"]) if record["seconds"] is not None else "-"
        print(f"{record['run']:<{width}}  {record['task']:<9} {shown:<24} {seconds:<12} {record['stopped']}")
    return 0


def _record(folder: Path) -> dict[str, Any]:
    """Return what the list shows of one run; a run that has not ended, or is damaged, says so."""
    try:
        result = json.loads((folder / layout.RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        result = {}
    metrics = result.get("metrics", {})
    first = next((name for name in metrics if name.startswith("test/")), next(iter(metrics), ""))
    return {
        "run": str(folder), "task": result.get("task", "-"), "score": [first, metrics.get(first)], "metrics": metrics,
        "seconds": result.get("seconds"), "stopped": result.get("stopped", "not ended"),
    }  # fmt: skip
