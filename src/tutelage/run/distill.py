"""Distillation from first to last: train a student under its teachers, the same student alone, and put them side by side.

Each of the two is an ordinary run. The same command again goes on where it was interrupted.
"""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch

from tutelage.core import catalog, layout
from tutelage.core.errors import DataError, RecipeError, RunError, UsageError
from tutelage.core.events import Sink
from tutelage.core.json_values import json_values
from tutelage.core.manifest import Manifest
from tutelage.core.spec import Component
from tutelage.model.arch.base import Model
from tutelage.planning.origin import OriginWish
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Budget, Recipe, recipe_from
from tutelage.planning.teaching import TeachingWish
from tutelage.predictor.ensemble import Ensemble
from tutelage.predictor.int8 import OnnxNetwork
from tutelage.run.collect import source_kind
from tutelage.run.comparison import answers_of, costs_of, scores_of
from tutelage.run.ending import PAUSES, state_of
from tutelage.run.files import RunFiles
from tutelage.run.folder import run_folder
from tutelage.run.inherited import fits_wholly, inherited
from tutelage.run.lock import locked
from tutelage.run.place_comparison import place_record
from tutelage.run.run import Run
from tutelage.run.start import Request, resume_training, start_training
from tutelage.run.told_in_python import python_console
from tutelage.task.rows import RowsData
from tutelage.task.teachable import ComparesAnswers
from tutelage.track.console import Console
from tutelage.training.mesh import is_first_process

__all__ = ["FRACTIONS", "Distilled", "Lesson", "distill_runs"]

FRACTIONS = {"small": 1 / 4, "tiny": 1 / 16}
"""What a student's size is called, and its share of the teacher's parameters."""
FACTOR = 0.3
"""On the learning rate of what a student takes over of its teacher's weights: full steps would undo it (docs/LOG.md)."""


@dataclass(frozen=True)
class Lesson:
    """What is asked for.

    Attributes:
        teachers: Run folders; the student learns from the data of the first one, prepared and parted as there.
        student: An architecture, its name, or a size: see `FRACTIONS`.
        wishes: Keys of a recipe that differ from that of the first teacher.
        extra: Further rows, or "".
        out: The student's run folder; "" for a new one below runs/. That of the student alone ends in `-alone`.
        is_alone_too: Whether to train the same student without teachers.
        data: The data of the first teacher, where it was given them from Python; so are the next two.
        test: The test part.
        marks: The time or the group of each row.
        command: What was typed; "" where it was asked for from Python.
        is_quiet: Tell only warnings and the end.
        started: `time.monotonic()` at the start of the command.
    """

    teachers: tuple[str, ...]
    student: str | Component
    wishes: dict[str, Any] = field(default_factory=dict)
    extra: str = ""
    out: str = ""
    is_alone_too: bool = True
    data: object = None
    test: object = None
    marks: object = None
    command: str = ""
    is_quiet: bool = False
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Distilled:
    """What came of it.

    Attributes:
        folder: The student's run.
        alone: The run of the same student without teachers; None where none was trained.
        record: The comparison, as it stands in result.json; {} where a training was interrupted, and in all processes of
            several but the first.
    """

    folder: Path
    alone: Path | None
    record: dict[str, Any]


def distill_runs(lesson: Lesson) -> Distilled:
    """Train a student, and itself alone, and compare them with their teachers.

    Raises:
        UsageError: No teacher, or a folder that holds another run.
        RunError: A teacher that cannot be opened.
        RecipeError: A student, or a term, that does not fit.
    """
    if not lesson.teachers:
        raise UsageError("no RUN given: name at least one trained run to learn from.")
    recipe = _student_recipe(lesson)
    folder = _train(lesson, recipe, out=lesson.out)
    student = Run.open(folder)
    if student.result.get("stopped") in PAUSES:
        return Distilled(folder, None, {})
    alone = None
    if lesson.is_alone_too:
        alone = _train(lesson, _alone_recipe(recipe, student), out=f"{folder}-alone", is_later=True)
        if Run.open(alone).result.get("stopped") in PAUSES:
            return Distilled(folder, alone, {})
    if not is_first_process(os.environ):
        return Distilled(folder, alone, {})
    record = compare(lesson, student, None if alone is None else Run.open(alone))
    _write(folder, record)
    return Distilled(folder, alone, record)


def _student_recipe(lesson: Lesson) -> Recipe:
    """Return what the student wishes for: what the first teacher did, with its own network, and teachers."""
    first = Run.open(lesson.teachers[0])
    recipe, plan = first.files.recipe(), first.decided
    if not recipe.source and lesson.data is None:
        raise UsageError(
            f"{first.path}: this run was given arrays from Python. Give them again: tutelage.distill(..., source=...)."
        )
    teachers = [str(run_folder(place).resolve()) for place in lesson.teachers]
    values: dict[str, Any] = {key: getattr(recipe, key) for key in recipe.model_fields_set}
    values |= {"model": _student_model(lesson.student, plan, first.path), "budget": recipe.budget.but(corrections=())}
    values |= _beginning(lesson, first)
    values |= _known_target(first, recipe)
    if plan.prepare is not None:
        # Teacher and student see the same rows, also where the usual preprocessing depends on the time that there is.
        values["prepare"] = plan.prepare
    # What was good enough for the teacher says nothing of its student.
    values.pop("until", None)
    if plan.mirror != "off":
        # A student is asked for its speed, and mirror images would double the price of each answer.
        values["mirror"] = "off"
    values |= lesson.wishes
    values["distill"] = {
        **lesson.wishes.get("distill", {}),
        "teachers": teachers,
        **({"extra": lesson.extra} if lesson.extra else {}),
    }
    wished = recipe_from(values, where="distill")
    return wished.but(distill=wished.distill.anywhere())


def _known_target(teacher: Run, recipe: Recipe) -> dict[str, str]:
    """Return the column that a teacher learned from a file, where it was guessed: nobody has to say it for the student."""
    if recipe.target != "auto" or not recipe.source or not teacher.decided.task.answers_rows:
        return {}
    column = str(teacher.files.record(layout.DATA).get("target", ""))
    return {"target": column} if column and source_kind(recipe).has_targets else {}


def _student_model(student: str | Component, plan: Plan, teacher: Path) -> str | Component:
    """Return the student's architecture.

    Raises:
        RecipeError: No such one; with those that take the teacher's data.
        UsageError: A size is asked for of an own module.
    """
    if not isinstance(student, str):
        return student
    fraction = FRACTIONS.get(student)
    if fraction is None:
        if student not in catalog.names("model"):
            kinds = catalog.names("model")
            known = (*FRACTIONS, *(kind for kind in kinds if plan.shape is None or catalog.load("model", kind).takes(plan.shape)))
            raise RecipeError(f"--student {student!r}: unknown{catalog.suggest(student, known)} Known: {', '.join(known)}.")
        return student
    if plan.model is None or plan.shape is None:
        raise UsageError(f"{teacher}: its network is your own module, which has no {student} version. Name an architecture.")
    assert isinstance(plan.model, Model)
    return plan.model.smaller(plan.shape, plan.num_outputs, fraction=fraction)


def _beginning(lesson: Lesson, teacher: Run) -> dict[str, Any]:
    """Return what a student of a size begins with, as keys of a recipe: its teacher's largest channels; {} where it cannot.

    It has all of its teacher's layers then, and half of the width for a quarter of the parameters.
    """
    plan, fraction = teacher.decided, FRACTIONS.get(lesson.student if isinstance(lesson.student, str) else "")
    is_other = {"model", "start_from"} & set(lesson.wishes)
    if fraction is None or is_other or plan.shape is None or not isinstance(plan.model, Model) or not plan.model.widths_of:
        return {}
    # An ensemble is refused later, with what to name in its place.
    if plan.task.starts == "never" or isinstance(teacher.answerer, Ensemble):
        return {}
    if isinstance(teacher.predictor.network, OnnxNetwork):
        return {}
    try:
        model = plan.model.narrower(plan.shape, plan.num_outputs, fraction=fraction)
    except RecipeError:
        return {}
    with torch.device("meta"):
        network = plan.task.make_network(model, plan.shape, plan.num_outputs)
    begun = inherited(
        {name: value.detach().cpu() for name, value in teacher.predictor.network.state_dict().items()},
        network,
        task=plan.task,
        model=plan.model,
        shape=plan.shape,
        num_outputs=plan.num_outputs,
    )
    if not fits_wholly(begun.weights, network):
        return {}
    return {"model": model, "start_from": OriginWish(path=str(teacher.path.resolve()), factor=FACTOR, deepest=FACTOR)}


def _alone_recipe(recipe: Recipe, student: Run) -> Recipe:
    """Return the recipe of the same student without teachers: all that was decided, and as many steps."""
    plan = student.decided
    pinned = {
        key: getattr(plan, key) for key in ("model", "augment", "optim", "schedule", "batch_size", "clip", "precision", "compile")
    }
    of_task = {key: value for key in ("loss", "ema") if (value := getattr(plan.task, key, None)) is not None}
    if recipe.is_heir:
        recipe = recipe.but(start_from=OriginWish())
    return recipe.but(
        **pinned,
        **of_task,
        floor=_floor_alone(plan, is_begun=recipe.start_from != OriginWish()),
        stopping=recipe.stopping.but(metric=plan.watched, patience=plan.patience, cooldown=plan.cooldown),
        budget=Budget(steps=_planned_steps(student)),
        until="",
        distill=TeachingWish(),
    )


def _floor_alone(plan: Plan, *, is_begun: bool) -> Component | Literal["auto", "none"]:
    """Return the floor of the same student without teachers: its own, where that needs nothing that it does not begin with."""
    if "floor" not in plan.task.uses:
        return "auto"
    return "none" if plan.floor is None or (plan.floor.needs_lens and not is_begun) else plan.floor


def _planned_steps(run: Run) -> int:
    """Return the steps that a run was planned for at last, before it stopped early."""
    if not run.decided.time_seconds:
        return run.decided.total_steps
    corrected = [event for event in run.files.log(layout.EVENTS) if event.get("event") == "Corrected"]
    return int(corrected[-1]["total_steps"]) if corrected else run.decided.total_steps


def _train(lesson: Lesson, recipe: Recipe, *, out: str, is_later: bool = False) -> Path:
    """Train by a recipe, or go on with the run that was begun by it.

    Raises:
        UsageError: Another run is there.
    """
    request = Request(
        recipe,
        out,
        data=lesson.data,
        test=lesson.test,
        marks=lesson.marks,
        command=lesson.command or f"tutelage.distill({list(lesson.teachers)}, student={lesson.student!r})",
        sinks=_sinks(lesson, out),
        started=time.monotonic() if is_later else lesson.started,
    )
    if not out or not (Path(out) / layout.PLAN).is_file():
        return start_training(request)
    files = RunFiles(Path(out))
    if files.recipe().but(source="", test="") != recipe.but(source="", test=""):
        raise UsageError(f"--out {out}: not empty: a run by another recipe is there. Choose a new folder.")
    return resume_training(out, replace(request, recipe=Recipe()))


def _sinks(lesson: Lesson, out: str) -> Sequence[Sink]:
    """Return what shows a training, in words of the command line only where it was asked for there."""
    if not lesson.command:
        return python_console(out, is_quiet=lesson.is_quiet)
    return [Console(mode="quiet" if lesson.is_quiet else "auto").open(Path(out or "."))]


def compare(lesson: Lesson, student: Run, alone: Run | None) -> dict[str, Any]:
    """Return teacher, student and the student alone side by side, as JSON values.

    Args:
        lesson: What was asked for.
        student: An ended run.
        alone: Another, or None.
    """
    teachers = [Run.open(place) for place in lesson.teachers]
    models = {"teacher": teachers, "student": [student], **({"alone": [alone]} if alone is not None else {})}
    predictors = {name: [run.predictor for run in runs] for name, runs in models.items()}
    costs = costs_of(predictors)
    record: dict[str, Any] = {
        name: {"runs": [str(run.path) for run in runs], **costs[name].record()} for name, runs in models.items()
    }
    data, task = student.data(lesson.data, test=lesson.test, groups=lesson.marks), student.decided.task
    assert isinstance(task, ComparesAnswers)
    if not isinstance(data, RowsData):
        told = place_record(models, student=student, data=data)
        return {name: {**found, **told[name]} for name, found in record.items()}
    name, prepared = ("test", data.test) if data.test is not None else ("val", data.validation)
    assert prepared.truth is not None
    answers = {key: answers_of(each, prepared.part) for key, each in predictors.items()}
    for key, found in answers.items():
        record[key]["metrics"] = scores_of(found, prepared.truth, names=task.telling, part=name)
        record[key]["agreement"] = task.agreement(found, answers["teacher"])
    if reason := _may_have_learned(teachers, lesson, data, name):
        record["teacher"] |= {"metrics": {}, "reason": reason}
    return record


def _may_have_learned(teachers: Sequence[Run], lesson: Lesson, data: RowsData, name: str) -> str:
    """Tell which teachers may have learned from rows that the student kept apart; "" where none has.

    Args:
        teachers: Ended runs.
        lesson: What was asked for.
        data: The student's.
        name: The part that is measured on, `test` or `val`.
    """
    part, found = "test" if name == "test" else "validation", []
    for run in teachers:
        if run.files.record(layout.DATA).get("fingerprint") == data.fingerprint:
            continue
        with suppress(RunError, DataError):
            # Whoever was given arrays was given these.
            own = run.data() if run.files.recipe().source else run.data(lesson.data, test=lesson.test, groups=lesson.marks)
            # A teacher may have kept no such rows apart at all, and learned from all there are.
            kept = own.parts().get(part) if isinstance(own, RowsData) else None
            if kept is not None and kept.part.fingerprint == data.parts()[part].part.fingerprint:
                continue
        found.append(str(run.path))
    if not found:
        return ""
    said = f"{' and '.join(found)} kept other {part} rows apart than the student, and may have learned from these"
    return f"{said}: teachers are not measured on them, and the student may seem better than it is"


def _write(folder: Path, record: dict[str, Any]) -> None:
    """Put the comparison into the student's result."""
    with locked(folder):
        result = RunFiles(folder).result()
        if not result:
            raise RunError(f"{folder}: has no result to add the comparison to. Finish the run: tutelage resume {folder}")
        whole = {**result, "distillation": json_values(record)}
        Manifest(folder).put_json(layout.RESULT, whole, state=state_of(result["stopped"]))
