"""What a student learned from its teacher: teacher, student and the same student alone, side by side."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from tutelage.core import layout
from tutelage.report.blocks import section, table
from tutelage.report.costs import Latency, say_known, times_of
from tutelage.report.html import Child, Html, tag
from tutelage.report.measure import label, say_score
from tutelage.report.number import say_number, say_percent
from tutelage.report.record import Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section

__all__ = ["DistillationSection"]


class Compared(Record):
    """One of the models."""

    runs: tuple[Text, ...] = ()
    reason: Text = ""
    metrics: dict[Text, Number] = Field(default_factory=dict)
    agreement: Number = None
    leaving: dict[Text, Number] = Field(default_factory=dict)
    floor_share: Number = None
    floor_size: Number = None
    num_parameters: Number = None
    flops: Number = None
    memory_bytes: Number = None
    latency_ms: dict[Text, Latency] = Field(default_factory=dict)


class DistillationRecord(Record):
    """The models."""

    teacher: Compared = Compared()
    student: Compared = Compared()
    alone: Compared = Compared()


class DistillationPart(Record):
    """Where they stand in result.json."""

    distillation: DistillationRecord = DistillationRecord()


class DistillationSection(Section):
    """Teacher, student and the student alone."""

    kind: Literal["distillation"] = "distillation"
    order: ClassVar[int] = 21
    menu: ClassVar[str] = "Teacher and student"

    def show(self, run: RunRecord) -> Html | None:
        """Return the table, or None where there was no teacher."""
        found = run.read(DistillationPart, layout.RESULT).distillation
        if not found.teacher.runs and not found.student.runs:
            return None
        models = {"teacher": found.teacher, "student": found.student}
        if found.alone.runs:
            models["student alone"] = found.alone
        rows = [*_scores(models), *_costs(models), *_leaving(models)]
        alike = "The same rows, measured alike."
        if any(model.leaving for model in models.values()):
            alike = "The networks alone on the same text; what leaves together with counted runs of it stands below."
        recovered = _recovered(found)
        return section(
            "Teacher and student",
            table(["", *models], rows, numeric=range(1, len(models) + 1), class_="scores"),
            tag("p", recovered, class_="caption") if recovered else None,
            tag("p", f"{found.teacher.reason}.", class_="caption") if found.teacher.reason else None,
            tag(
                "p",
                f"Teacher: {', '.join(found.teacher.runs)}. Alone: {', '.join(found.alone.runs) or 'not trained'}.",
                class_="caption",
            ),
            anchor=self.anchor,
            lead=f"{alike} Alone is the same network, trained for as many steps without a teacher.",
        )


def _scores(models: dict[str, Compared]) -> list[list[Child]]:
    """Return a row for each metric."""
    keys = list(dict.fromkeys(key for model in models.values() for key in model.metrics))
    rows: list[list[Child]] = [
        [tag("span", label(key)), *[say_score(key, model.metrics.get(key)) for model in models.values()]] for key in keys
    ]
    agreements = [model.agreement for model in models.values()]
    if any(value is not None for value in agreements):
        rows.append(["agrees with the teacher", *[say_percent(value) if value is not None else "" for value in agreements]])
    return rows


def _costs(models: dict[str, Compared]) -> list[list[Child]]:
    """Return a row for each cost."""

    def row(title: str, values: list[Any]) -> list[Child]:
        return [title, *map(say_known, values)]

    each = list(models.values())
    times: list[list[Child]] = [[title, *said] for title, said in times_of([model.latency_ms for model in each]).items()]
    return [
        row("parameters", [model.num_parameters for model in each]),
        row("operations a row", [model.flops for model in each]),
        row("memory, bytes", [model.memory_bytes for model in each]),
        *times,
    ]


def _leaving(models: dict[str, Compared]) -> list[list[Child]]:
    """Return a row for each metric of what leaves where a floor has a share in it, and what the floor is."""
    each = list(models.values())
    keys = list(dict.fromkeys(key for model in each for key in model.leaving))
    if not keys:
        return []
    shares = [say_percent(model.floor_share) if model.floor_share is not None else "" for model in each]
    sizes = [say_number(model.floor_size) if model.floor_size is not None else "" for model in each]
    rows: list[list[Child]] = [
        [f"{label(key)}, as it leaves", *[say_score(key, model.leaving.get(key)) for model in each]] for key in keys
    ]
    return [*rows, ["of that, by the counts", *shares], ["numbers of the counts", *sizes]]


def _recovered(found: DistillationRecord) -> str:
    """Say which share of the gap between the student alone and its teacher was recovered, by the first metric."""
    key = next(iter(found.teacher.metrics), "")
    teacher, student, alone = (model.metrics.get(key) for model in (found.teacher, found.student, found.alone))
    if teacher is None or student is None or alone is None or not abs(teacher - alone) > 0:
        return ""
    share = say_percent((student - alone) / (teacher - alone))
    return f"Of the gap in {label(key)} between the student alone and its teacher, {share} was recovered."
