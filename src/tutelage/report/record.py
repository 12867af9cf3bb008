"""What a report knows of a run: the files of its folder, read with patience, since a run may have been cut off anywhere.

A section that needs more than what all of them share declares a `Record` of its own and asks `RunRecord.read` for it. Such a
record is also the contract for whoever writes the file: unknown keys are ignored, all keys may be absent.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError

from tutelage.core import layout
from tutelage.core.errors import RunError
from tutelage.report.value import as_text, as_whole
from tutelage.run.files import RunFiles

__all__ = ["Count", "DataSummary", "Number", "Problems", "Record", "Result", "RunRecord", "Text", "Value", "read_run"]

Text = Annotated[str, BeforeValidator(as_text)]
"""Any value, as one line of text."""
Number = Annotated[float, AfterValidator(lambda value: value if math.isfinite(value) else math.nan)] | None
"""A number; NaN where it is not finite, None where there is none."""
StrictNumber = Annotated[float, Strict()] | None
Value = Annotated[StrictNumber | Text, Field(union_mode="left_to_right")]
"""A number, or any other value as text: a text of digits, such as 007, stays a text."""
Count = Annotated[int, Field(ge=0, le=2**53)]
"""How many of something."""

FILES = (layout.PLAN, layout.ENV, layout.DATA, layout.RESULT)
"""The files of a run folder that hold one JSON object each."""


class Record(BaseModel):
    """A part of a JSON file; frozen, keys it does not know are ignored, and every key has a default."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class DataSummary(Record):
    """What all sections may need of data.json.

    Attributes:
        source: Short name of the data set.
        target: Name of what is predicted, such as a column.
        unit: Unit of a numeric target, where known.
        items: What the parts consist of, such as `rows` or `characters`.
        parts: How many of these each part has, such as `{"train": 900, "validation": 100, "test": 200}`.
        warnings: Things the user should look at.
        notes: Things worth telling.
    """

    source: Text = ""
    target: Text = ""
    unit: Text = ""
    items: Text = ""
    parts: dict[Text, Count] = {}
    warnings: tuple[Text, ...] = ()
    notes: tuple[Text, ...] = ()


class Result(Record):
    """What all sections may need of result.json.

    Attributes:
        task: Kind of the task.
        noun: What that task is called in a sentence, such as "language model"; "" in folders of older versions.
        headline: Key of the metric to show first; "" where the report should choose.
        metrics: Keys begin with the part that was scored, such as `test/` or `validation/`; null where not defined.
        intervals: 95 % intervals [low, high] under the same keys.
        baseline: Scores of a trivial predictor under the same keys, and its `description`.
        best_step: Step of the weights that were kept.
        stopped: Why training ended.
        seconds: Wall time of the run.
        command: The command that repeats the run.
    """

    task: Text = ""
    noun: Text = ""
    headline: Text = ""
    metrics: dict[Text, Number] = {}
    intervals: dict[Text, tuple[Number, Number] | None] = {}
    baseline: dict[Text, Value] = {}
    best_step: Count | None = None
    stopped: Text = ""
    seconds: Number = None
    num_parameters: Count | None = None
    command: Text = ""

    def interval(self, key: str) -> tuple[float, float] | None:
        """Return the ends of a score's interval; None where one is not known, as where there is a single row."""
        low, high = self.intervals.get(key) or (None, None)
        return None if low is None or high is None else (low, high)


Read = TypeVar("Read", bound=Record)


@dataclass
class Problems:
    """What could not be read: whole files with the reason, and keys whose values do not fit."""

    files: list[str] = field(default_factory=list)
    keys: dict[str, set[str]] = field(default_factory=dict)

    def lines(self) -> tuple[str, ...]:
        """Return one sentence for each file."""
        wrong = (f"{file}: not as expected and left out: {', '.join(sorted(keys))}." for file, keys in self.keys.items())
        return (*self.files, *wrong)


@dataclass(frozen=True)
class RunRecord:
    """Everything a report is made from.

    Attributes:
        folder: The run folder.
        recipe: Text of recipe.toml.
        files: The content of each JSON file by its name; {} where it is missing or damaged.
        data: What sections share of data.json.
        result: What sections share of result.json; empty where the run has not ended.
        events: Every event, oldest first.
        points: Every line of metrics.jsonl.
        found: What could not be read, so far.
    """

    folder: Path
    recipe: str
    files: Mapping[str, Mapping[str, Any]]
    data: DataSummary
    result: Result
    events: tuple[Mapping[str, Any], ...]
    points: tuple[Mapping[str, Any], ...]
    found: Problems

    @property
    def is_finished(self) -> bool:
        """Whether the run has written its result."""
        return bool(self.files[layout.RESULT])

    @property
    def kept_step(self) -> int | None:
        """Step of the weights that were kept; None where nothing was evaluated."""
        if self.result.best_step is not None:
            return self.result.best_step
        steps = [event.get("step") for event in self.events if event.get("event") == "Restored" or event.get("is_best") is True]
        return as_whole(steps[-1]) if steps else None

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read, as sentences; complete once every section has been shown."""
        return self.found.lines()

    def read(self, record: type[Read], file: str = layout.RESULT) -> Read:
        """Return a section's own slice of a JSON file; values that do not fit are left out and named in `problems`.

        Args:
            record: Its fields are keys of the file.
            file: Name of the file, from `core/layout.py`.
        """
        return _fit(record, self.files[file], file=file, problems=self.found)

    def read_events(self, record: type[Read], event: str) -> tuple[Read, ...]:
        """Return all events of a kind, oldest first, each as a record."""
        ours = (item for item in self.events if item.get("event") == event)
        return tuple(_fit(record, item, file=layout.EVENTS, problems=self.found) for item in ours)

    def last(self, event: str) -> Mapping[str, Any]:
        """Return the last event of a kind as it was written, or nothing."""
        return next((item for item in reversed(self.events) if item.get("event") == event), {})


def read_run(folder: Path) -> RunRecord:
    """Read a run folder; what is missing or damaged is named in `problems`, never raised.

    Raises:
        RunError: `folder` is not a folder.
    """
    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder. Expected a run folder, such as runs/digits-1.")
    problems = Problems()
    reader = RunFiles(folder, tell=problems.files.append, is_lenient=True)
    files = {name: _json(reader, name, problems) for name in FILES}
    return RunRecord(
        folder=folder,
        recipe=_text(reader, layout.RECIPE, problems),
        files=files,
        data=_fit(DataSummary, files[layout.DATA], file=layout.DATA, problems=problems),
        result=_fit(Result, files[layout.RESULT], file=layout.RESULT, problems=problems),
        events=tuple(reader.log(layout.EVENTS)),
        points=tuple(reader.log(layout.METRICS)),
        found=problems,
    )


def _text(reader: RunFiles, file: str, problems: Problems) -> str:
    """Read a file of text; "" where it is missing or damaged."""
    try:
        is_due = reader.has(file) or file in reader.journal.entries
        return reader.content(file).decode("utf-8", errors="replace") if is_due else ""
    except (RunError, OSError) as error:
        problems.files.append(str(error))
        return ""


def _json(reader: RunFiles, file: str, problems: Problems) -> Mapping[str, Any]:
    """Read a file that holds one JSON object; {} where it is missing or damaged."""
    try:
        return reader.record(file, is_typed=False) if reader.has(file) or file in reader.journal.entries else {}
    except (RunError, OSError) as error:
        problems.files.append(str(error))
        return {}


def _fit(record: type[Read], content: Mapping[str, Any], *, file: str, problems: Problems) -> Read:
    """Return content as a record; keys with values that do not fit are named and left out."""
    ours = {key: content[key] for key in record.model_fields if key in content}
    try:
        return record.model_validate(ours)
    except ValidationError as error:
        issues = error.errors(include_url=False, include_context=False, include_input=False)
        wrong = {str(issue["loc"][0]) for issue in issues if issue["loc"]}
        problems.keys.setdefault(file, set()).update(wrong)
        return record.model_validate({key: value for key, value in ours.items() if key not in wrong})
