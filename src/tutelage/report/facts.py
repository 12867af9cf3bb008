"""What a report knows: the files of a run folder, read with patience, since a run may have been cut off anywhere.

The records below are also the contract for whoever writes those files: unknown keys are ignored, all keys may be absent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from tutelage.core import layout
from tutelage.core.errors import RunError
from tutelage.track.jsonl import read_records

__all__ = ["ColumnSummary", "DataSummary", "Decision", "Facts", "Mistake", "Residuals", "Result", "Skipped", "Thumbnail", "read"]

Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else str(value))]
Number = float | None


class Record(BaseModel):
    """A part of a JSON file; frozen, keys it does not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Decision(Record):
    """One choice of the plan."""

    key: Text = ""
    value: Text = ""
    reason: Text = ""


class Plan(Record):
    """plan.json, as far as the report shows it."""

    decisions: tuple[Decision, ...] = ()


class ColumnSummary(Record):
    """One column: `missing` is a share of 1; `top` holds (value, count), most frequent first."""

    name: Text = ""
    role: Text = ""
    reason: Text = ""
    missing: Number = None
    distinct: int | None = None
    min: float | str | None = None
    mean: float | str | None = None
    max: float | str | None = None
    top: tuple[tuple[Text, int], ...] = ()


class Skipped(Record):
    """A bad item that was left out."""

    where: Text = ""
    found: Text = ""
    remedy: Text = ""


class Thumbnail(Record):
    """A sample picture of a class, as base64 PNG."""

    label: Text = ""
    png: str | None = None


class DataSummary(Record):
    """data.json.

    Attributes:
        source: Short name of the data set.
        path: Where it was read.
        kind: Kind of source, such as `table`.
        target: Name of the target column.
        unit: Unit of a numeric target, where known.
        parts: Rows of each part, such as `{"train": 900, "validation": 100, "test": 200}`.
        columns: One record per column of a table.
        classes: For each class its count in each part, such as `{"cat": {"train": 450, "test": 100}}`.
        skipped: Bad items left out.
        warnings: Things the user should look at.
        notes: Things worth telling.
        thumbnails: Sample pictures.
    """

    source: Text = ""
    path: Text = ""
    kind: Text = ""
    target: Text = ""
    unit: Text = ""
    parts: dict[str, int] = {}
    columns: tuple[ColumnSummary, ...] = ()
    classes: dict[str, dict[str, int]] = {}
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[Text, ...] = ()
    notes: tuple[Text, ...] = ()
    thumbnails: tuple[Thumbnail, ...] = ()


class Mistake(Record):
    """One of the worst mistakes; `row` holds the cells of a table's row."""

    name: Text = ""
    target: Text = ""
    prediction: Text = ""
    confidence: Number = None
    loss: Number = None
    png: str | None = None
    row: dict[str, Any] | None = None


class Residuals(Record):
    """A sample of true and predicted numbers, in the target's unit."""

    target: tuple[float, ...] = ()
    prediction: tuple[float, ...] = ()


class Result(Record):
    """result.json.

    Attributes:
        metrics: Keys such as `test/accuracy`, `validation/loss`; null where not defined.
        intervals: 95 % intervals [low, high] under the same keys.
        baseline: Scores of a trivial predictor under the same keys, and its `description`.
        confusion: Counts; rows are true classes, columns predicted ones, both in the order of `labels`.
    """

    run: Text = ""
    task: Text = ""
    metrics: dict[str, Number] = {}
    intervals: dict[str, tuple[Number, Number] | None] = {}
    baseline: dict[str, Number | str] = {}
    best_step: int | None = None
    stopped: Text = ""
    seconds: Number = None
    num_parameters: int | None = None
    command: Text = ""
    labels: tuple[Text, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    worst: tuple[Mistake, ...] = ()
    residuals: Residuals | None = None


@dataclass(frozen=True)
class Facts:
    """Everything a report is made from.

    Attributes:
        folder: The run folder.
        recipe: Text of recipe.toml.
        plan: Decisions.
        environment: env.json as it is.
        data: Data summary.
        result: Scores; None where the run has not ended.
        events: Every event, oldest first.
        points: Every line of metrics.jsonl.
        problems: Files that could not be read, and why.
    """

    folder: Path
    recipe: str
    plan: Plan
    environment: Mapping[str, Any]
    data: DataSummary
    result: Result | None
    events: tuple[Mapping[str, Any], ...]
    points: tuple[Mapping[str, Any], ...]
    problems: tuple[str, ...]

    @property
    def best_step(self) -> int | None:
        """Step of the weights that were kept; None where nothing was evaluated."""
        if self.result is not None and self.result.best_step is not None:
            return self.result.best_step
        steps = [event.get("step") for event in self.events if event.get("event") == "Restored" or event.get("is_best")]
        return steps[-1] if steps and isinstance(steps[-1], int) else None

    def last(self, kind: str) -> Mapping[str, Any]:
        """Return the last event of a kind, or nothing."""
        return next((event for event in reversed(self.events) if event.get("event") == kind), {})


Read = TypeVar("Read", bound=Record)


def read(folder: Path) -> Facts:
    """Read a run folder; what is missing or damaged is named in `problems`, never raised.

    Raises:
        RunError: `folder` is not a folder.
    """
    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder. Expected a run folder, such as runs/digits-1.")
    problems: list[str] = []
    environment = _json(folder / layout.ENV, problems)
    result = _record(Result, folder / layout.RESULT, problems)
    return Facts(
        folder=folder,
        recipe=_text(folder / layout.RECIPE),
        plan=_record(Plan, folder / layout.PLAN, problems) or Plan(),
        environment=environment if isinstance(environment, dict) else {},
        data=_record(DataSummary, folder / layout.DATA, problems) or DataSummary(),
        result=result,
        events=_lines(folder / layout.EVENTS, problems),
        points=_lines(folder / layout.METRICS, problems),
        problems=tuple(problems),
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _json(path: Path, problems: list[str]) -> Any:
    """Read a JSON file; None where it is missing or broken."""
    try:
        return json.loads(path.read_bytes()) if path.is_file() else None
    except (ValueError, RecursionError) as error:
        problems.append(f"{path.name} is not readable: {error}")
        return None


def _record(kind: type[Read], path: Path, problems: list[str]) -> Read | None:
    """Read a JSON file as a record; keys with values that do not fit are named and left out."""
    content = _json(path, problems)
    if content is None:
        return None
    if not isinstance(content, dict):
        problems.append(f"{path.name} is not readable: expected an object in braces.")
        return None
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        wrong = {str(issue["loc"][0]) for issue in error.errors() if issue["loc"]}
        problems.append(f"{path.name}: not as expected and left out: {', '.join(sorted(wrong))}.")
        return kind.model_validate({key: value for key, value in content.items() if key not in wrong})


def _lines(path: Path, problems: list[str]) -> tuple[Mapping[str, Any], ...]:
    """Read a file of JSON lines; nothing where it is damaged."""
    try:
        return tuple(read_records(path))
    except RunError as error:
        problems.append(str(error).replace(str(path), path.name))
        return ()
