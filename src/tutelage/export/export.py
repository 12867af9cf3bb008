"""Writes a run's model to one file and compares the file with the run, on rows of the validation part, before it counts."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutelage.core import catalog
from tutelage.core.durable import sync_folder, write_durably
from tutelage.core.errors import RunError, UsageError
from tutelage.export.base import Format
from tutelage.export.forecasts import of_forecasts
from tutelage.export.others import of_policy, of_samples, of_text
from tutelage.export.outgoing import Outgoing, answers_of_rows
from tutelage.export.proof import Proof
from tutelage.export.verify import Check, compare
from tutelage.run.run import Run
from tutelage.task.sample_maker import SampleMaker

__all__ = ["Exported", "beside", "export_run"]

MOST_ROWS = 1_000
"""Validation rows that are compared, evenly spaced."""
ASIDE = ".unproved"
"""Follows the name of a file that has not been compared yet."""


@dataclass(frozen=True)
class Exported:
    """A file that was written and compared.

    Attributes:
        file: Where it is.
        beside: Where what is said beside it is.
        check: What the comparison found.
    """

    file: Path
    beside: tuple[Path, ...]
    check: Check

    def record(self) -> dict[str, Any]:
        """Return what `--json` says."""
        return {
            "file": str(self.file),
            "num_rows": self.check.num_rows,
            "max_difference": self.check.max_difference,
            "labels_equal": self.check.labels_equal,
            "beside": [str(path) for path in self.beside],
        }


def export_run(run: Run, *, format: str = "onnx", out: str | Path = "", data: Any = None) -> Exported:  # noqa: A002
    """Export a run's model.

    Args:
        run: The run.
        format: `tutelage list export`.
        out: The file; "" = below `export/` in the run folder.
        data: The same data, if the run was given arrays from Python.

    Raises:
        RunError: The model cannot leave in this format, or the file does not answer as it does.
        UsageError: No such format, what it needs is not installed, or its files do not end so.
    """
    made: Format = catalog.load("export", format.replace("-", "_"))()
    made.require()
    path = Path(out) if out else run.path / "export" / f"model{made.suffix}"
    if path.suffix != made.suffix or path.is_dir():
        found = "is a folder" if path.is_dir() else f"ends in {path.suffix!r}"
        raise UsageError(f"--out {path}: {found}, and a file of format {format} ends in {made.suffix}. Choose such a name.")
    model, proof = _ready(run, data)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.stem + ASIDE + path.suffix)
    try:
        made.write(model, aside)
        check = compare(
            made.read(aside), proof.batches, proof.expected, output=model.outputs[0], labels=model.labels, locate=proof.locate
        )
        aside.replace(path)
        sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)
    return Exported(path, _beside(model, path), check)


def beside(path: Path) -> tuple[Path, Path]:
    """Return the files beside an exported one: what is said of it, and for some the tokenizer."""
    return path.with_suffix(".json"), path.with_suffix(".tokenizer.json")


def _beside(model: Outgoing, path: Path) -> tuple[Path, ...]:
    """Write what is said beside a graph, and the tokenizer where there is one."""
    record, other = beside(path)
    write_durably(record, (json.dumps(model.record(), indent=1) + "\n").encode())
    tokenizer = model.recipe.get("text", {}).get("tokenizer", "")
    if not tokenizer:
        return (record,)
    write_durably(other, tokenizer.encode())
    return record, other


def _ready(run: Run, data: Any) -> tuple[Outgoing, Proof]:
    """Return a run's model, ready to be written, and what it is compared with."""
    task = run.decided.task
    if task.writes_text:
        return of_text(run, data)
    if task.continues_series:
        return of_forecasts(run, data)
    if task.plays:
        return of_policy(run, data)
    if isinstance(task, SampleMaker):
        return of_samples(run, data)
    if not task.answers_rows:
        raise RunError(f"{run.path}: a model of task {getattr(task, 'kind', '')!r} cannot be exported yet.")
    model, rows = answers_of_rows(run.predictor, facts=_facts(run))
    whole = run.data(data).parts()["validation"].some(MOST_ROWS).part  # type: ignore[attr-defined]
    return model, Proof(rows.feed(whole), model.predictor.answers(whole), whole.locate)


def _facts(run: Run) -> dict[str, Any]:
    """Return where a model comes from."""
    return {"run": run.path.name, **run.predictor.facts}
