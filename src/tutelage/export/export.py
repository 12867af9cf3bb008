"""Writes a run's model to one file and compares the file with the run, on rows of the validation part, before it counts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutelage.core import catalog
from tutelage.core.errors import RunError, UsageError
from tutelage.export.averaged import MeanRows, averaged_rows
from tutelage.export.base import Format
from tutelage.export.forecasts import of_forecasts
from tutelage.export.noted import put_in_place, write_noted
from tutelage.export.others import of_policy, of_samples, of_text
from tutelage.export.outgoing import VERSION, Outgoing, Rows, answers_of_rows, is_as_precise
from tutelage.export.place import record_beside, require_free, require_suffix, tokenizer_beside
from tutelage.export.proof import Proof
from tutelage.export.verify import Check, compare
from tutelage.predictor.ensemble import Answerer, Ensemble
from tutelage.run.run import Run
from tutelage.task.sample_maker import SampleMaker

__all__ = ["Exported", "export_run"]

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
            **({} if self.check.predict_difference is None else {"predict_difference": self.check.predict_difference}),
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
        UsageError: No such format, or what it needs is not installed; or the file, or one beside it, may not be written.
    """
    made = _format(format)
    made.require()
    path = Path(out) if out else run.path / "export" / f"model{made.suffix}"
    require_suffix(path, made.suffix)
    require_free(path, record_beside(path), version=VERSION)
    model, proof = _ready(run, data)
    for other, _ in _tokenizers(model, path):
        require_free(path, other, version=VERSION)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.stem + ASIDE + path.suffix)
    try:
        made.write(model, aside)
        check = compare(made.read(aside), proof.completed(model), outputs=model.outputs, labels=model.labels)
        put_in_place(aside, path, run=run.path)
    finally:
        aside.unlink(missing_ok=True)
    return Exported(path, _beside(made.record(model), model, path, run=run.path), check)


def _format(name: str) -> Format:
    """Return a format by its name, in which a hyphen and an underscore are the same.

    Raises:
        UsageError: There is none of that name.
    """
    kinds = {kind.replace("_", "-"): kind for kind in catalog.names("export")}
    said = name.replace("_", "-")
    if said not in kinds:
        known = tuple(kinds)
        raise UsageError(f"unknown export format {name!r}{catalog.suggest(said, known)} Known: {', '.join(known)}.")
    made: Format = catalog.load("export", kinds[said])()
    return made


def _beside(told: Mapping[str, Any], model: Outgoing, path: Path, *, run: Path) -> tuple[Path, ...]:
    """Write what is said beside a graph, and the tokenizers where there are any."""
    record = record_beside(path)
    write_noted(record, (json.dumps(told, indent=1) + "\n").encode(), run=run)
    written = [record]
    for other, tokenizer in _tokenizers(model, path):
        write_noted(other, tokenizer.encode(), run=run)
        written.append(other)
    return tuple(written)


def _tokenizers(model: Outgoing, path: Path) -> list[tuple[Path, str]]:
    """Return where the tokenizer of each model goes that takes texts as tokens, and its content."""
    members = model.recipe.get("members", [model.recipe])
    found = [(number, member.get("text", {}).get("tokenizer", "")) for number, member in enumerate(members, start=1)]
    return [(tokenizer_beside(path, str(number) if len(members) > 1 else ""), content) for number, content in found if content]


def _ready(run: Run, data: Any) -> tuple[Outgoing, Proof]:
    """Return a run's model, ready to be written, and what it is compared with."""
    task, facts = run.decided.task, {"run": run.path.name, **run.answerer.facts}
    try:
        if task.writes_text:
            return of_text(run, data, facts=facts)
        if task.continues_series:
            return of_forecasts(run, data, facts=facts)
        if task.plays:
            return of_policy(run, data, facts=facts)
        if isinstance(task, SampleMaker):
            return of_samples(run, data, facts=facts)
        if not task.answers_rows:
            raise RunError(f"a model of task {getattr(task, 'kind', '')!r} cannot be exported yet.")
        model, rows = _of_rows(run.answerer, facts)
    except RunError as error:
        raise RunError(f"{run.path}: {error}") from error
    whole = run.data(data).parts()["validation"].some(MOST_ROWS).part  # type: ignore[attr-defined]
    predicted = None if is_as_precise(run.answerer, model.predictor) else run.answerer.answers(whole)
    return model, Proof(rows.feed(whole), model.predictor.answers(whole), whole.locate, predicted=predicted)


def _of_rows(answerer: Answerer, facts: Mapping[str, Any]) -> tuple[Outgoing, Rows | MeanRows]:
    """Return one model, or several as one, and what feeds it rows."""
    if isinstance(answerer, Ensemble):
        return averaged_rows(answerer, facts=facts)
    return answers_of_rows(answerer, facts=facts)
