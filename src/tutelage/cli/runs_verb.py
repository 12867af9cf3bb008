"""`tutelage runs [DIR]`: the runs of a folder with their scores."""

import argparse
from contextlib import suppress
from pathlib import Path
from typing import Any

from tutelage.core import layout
from tutelage.core.amount import say_seconds
from tutelage.core.errors import RunError, UsageError
from tutelage.core.outlet import one_line, say, say_json, tell, warn
from tutelage.core.plain import check_plain
from tutelage.run.files import RunFiles, tell_nobody
from tutelage.track.score import say_number

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """List every run folder below DIR, the newest last."""
    folder = Path(arguments.folder)
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder. Runs are made by tutelage train, below runs/ if --out is not given.")
    records = [_record(path) for path in _folders(folder)]
    if arguments.json:
        say_json({"runs": records})
        return 0
    if not records:
        tell(f"no runs below {one_line(str(folder))}/")
        return 0
    rows = [("run", "task", "score", "time", "ended"), *map(_row, records)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())
    for record in records:
        if record["fault"]:
            warn(record["fault"])
    return 0


def _folders(folder: Path) -> list[Path]:
    """Return every run folder below a folder, the newest last; those that are being made are hidden."""
    found: dict[Path, float] = {}
    for name in (layout.PLAN, layout.MANIFEST):
        for path in folder.rglob(name):
            if not any(part.startswith(".") for part in path.relative_to(folder).parts):
                # Another process may be removing it just now.
                with suppress(OSError):
                    found.setdefault(path.parent, path.lstat().st_mtime)
    return sorted(found, key=lambda path: (found[path], path))


def _row(record: dict[str, Any]) -> tuple[str, ...]:
    """Return what is said of one run, each in one line, so that the columns line up."""
    name, score = record["score"]
    shown = f"{name} {say_number(score)}" if isinstance(score, float | int) else "-"
    seconds = say_seconds(record["seconds"]) if record["seconds"] is not None else "-"
    texts = (record["run"], record["task"], shown, seconds, record["stopped"])
    return tuple(one_line(str(text)) for text in texts)


def _record(folder: Path) -> dict[str, Any]:
    """Return what the list shows of one run; a run that has not ended, or is damaged, says so."""
    files = RunFiles(folder, tell=tell_nobody, is_lenient=True)
    result: dict[str, Any] = {}
    stopped, fault = "not ended", ""
    try:
        check_plain(folder)
        result = files.result()
        stopped = result.get("stopped", stopped)
    except (RunError, OSError) as error:
        stopped, fault = "damaged", str(error)
    metrics = result.get("metrics", {})
    first = next((name for name in metrics if name.startswith("test/")), next(iter(metrics), ""))
    first = result["headline"] if result.get("headline") in metrics else first
    return {
        "run": str(folder), "task": result.get("task", "-"), "score": [first, metrics.get(first)], "metrics": metrics,
        "seconds": result.get("seconds"), "stopped": stopped, "fault": " ".join([fault, *files.notes]).strip(),
    }  # fmt: skip
