"""The teachers of a student: found and checked before its training, opened for it, and asked for their answers.

A plan names their predictors by path and seal. One that was moved or changed since is refused: a resumed student would not
be the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tutelage.core import catalog, layout
from tutelage.core.cache_folder import cache_folder
from tutelage.core.errors import DataError, RecipeError, RunError
from tutelage.core.shape.views import Grid
from tutelage.data.part.base import RowsPart
from tutelage.data.scratch import scratch_array, scratch_folders
from tutelage.data.target.base import Target
from tutelage.floor.tokens import TokensFitted
from tutelage.model.stored import read_seal
from tutelage.planning.plan import Plan
from tutelage.planning.teaching import TeacherFacts, TeacherFile, Teaching, TeachingWish
from tutelage.predictor.ensemble import Ensemble, load_answerer
from tutelage.predictor.predictor import Predictor, load_predictor
from tutelage.run.folder import run_folder
from tutelage.task.base import Batch, Data, Problem, TaskSpec
from tutelage.task.features import Features
from tutelage.task.mixtures import MIXABLE, Mixtures
from tutelage.task.rows import RowsData
from tutelage.task.taught import TEACHER, TEACHER_FEATURES, Taught, TaughtStream, Teaches
from tutelage.task.teachable import ComparesAnswers, TellsOutputs

__all__ = ["know_teachers", "taught"]

FEW_ROWS = 16
"""Rows that a teacher is asked to prepare before a training, to see that it takes them."""
TOO_MANY = "a text has a piece that begins at every token, too many to keep the answers for"


def know_teachers(wish: TeachingWish, task: TaskSpec, data: Data) -> TeacherFacts | None:
    """Return what is known of the teachers that a recipe names; None where it names none.

    Args:
        wish: What the recipe says.
        task: What is learned.
        data: What the student learns from.

    Raises:
        RecipeError: The task has no teachers, or one of them answers otherwise.
        RunError: A run without a predictor.
    """
    if not wish.teachers:
        if wish.extra:
            raise RecipeError(f"recipe: distill.extra = {wish.extra!r}: further rows need a teacher. Name distill.teachers.")
        return None
    if not isinstance(task, ComparesAnswers):
        kinds = (kind for kind in catalog.names("task") if isinstance(catalog.load("task", kind)(), ComparesAnswers))
        found = f"recipe: distill.teachers: task {getattr(task, 'kind', '')!r} cannot be taught by a trained model"
        raise RecipeError(f"{found}. Those that can: {', '.join(kinds)}.")
    files, not_live, not_mixed, notes = list[TeacherFile](), "", "", []
    for place in wish.teachers:
        path = (run_folder(place) / layout.BEST / layout.PREDICTOR).resolve()
        whole = _alone(place, path)
        predictor = _without_counts(whole)
        _require_fit(place, predictor, task, data)
        file = TeacherFile(path=str(path), seal=str(read_seal(path)))
        if file.seal in {other.seal for other in files}:
            raise RecipeError(
                f"recipe: distill.teachers: {place} is named twice, or is a copy of another one. Name each model once."
            )
        files.append(file)
        not_live = not_live or _not_live(place, predictor, data)
        not_mixed = not_mixed or _not_mixed(place, predictor, data)
        floor = " with the plain model beside it" if predictor.companion is not None else ""
        if whole.companion is not None and predictor.companion is None:
            floor = " without the counts beside it, which have no part in the lesson: the student counts for itself"
        notes.append(f"{getattr(predictor.model, 'kind', 'own')} of {predictor.num_parameters:,} parameters{floor}")
    return TeacherFacts(
        tuple(files), not_live=not_live, not_fixed="" if task.answers_rows else TOO_MANY, not_mixed=not_mixed, notes=tuple(notes)
    )


def _alone(place: str, path: Path) -> Predictor:
    """Return a teacher that is one predictor.

    Raises:
        RecipeError: It is an ensemble, whose members teach as well by themselves.
    """
    answerer = load_answerer(path)
    if isinstance(answerer, Ensemble):
        members = " ".join(str(run) for run in answerer.facts.get("runs", ()))
        found = f"recipe: distill.teachers: {place} is an ensemble of {len(answerer.members)} models"
        raise RecipeError(f"{found}. Name these, they teach together: tutelage distill {members or 'RUN RUN'} ...")
    return answerer


def taught(problem: Problem, plan: Plan, data: Data) -> Problem:
    """Return a training whose task learns from the plan's teachers too.

    Raises:
        RunError: A teacher is no longer there, or no longer the same.
    """
    teaching = plan.distill
    assert teaching is not None
    assert isinstance(plan.task, ComparesAnswers)
    assert isinstance(problem.task, TellsOutputs)
    own = problem.task
    task = Taught(own, spec=plan.task, terms=teaching.terms, own=teaching.own)
    if not any(term.weight for term in teaching.terms):
        # Nothing of what they say counts, so they are not asked.
        return replace(problem, task=task, lags=lambda _task: problem.lags(own))
    teachers = [_opened(file, device=plan.device) for file in teaching.teachers]
    spec, followed = plan.task, problem.example
    teaches = _teaches(teaching, teachers, spec, data)
    mixtures = Mixtures(teaching.mixed, seed=plan.seed) if teaching.mixed else None

    def example(part: Any, row: int) -> Any:
        assert followed is not None
        found = followed(part, row)
        answers = teaches.for_any(found.batch) if isinstance(teaches, LiveAnswers) else {}
        if found.row is not None:
            # A row of any part, also one for which no answer was kept, with the plain models beside the teachers.
            answers[TEACHER] = torch.from_numpy(next(iter(_asked(teachers, spec, found.row, target=data.target))))
        return replace(found, batch={**found.batch, **answers})

    return replace(
        problem,
        task=task,
        stream=TaughtStream(problem.stream, teaches, mixtures=mixtures),
        lags=lambda _task: problem.lags(own),
        example=None if followed is None else example,
    )


def _teaches(teaching: Teaching, teachers: Sequence[Predictor], spec: ComparesAnswers, data: Data) -> Teaches:
    """Return what gives the teachers' answers."""
    if teaching.views == "fixed":
        assert isinstance(data, RowsData)
        return FixedAnswers(teachers, spec, data)
    return LiveAnswers(teachers, spec, data, has_features=any(term.compares == "features" for term in teaching.terms))


def _opened(file: TeacherFile, *, device: str) -> Predictor:
    """Return a teacher as its student's plan knows it.

    Raises:
        RunError: It is gone, or another one is in its place.
    """
    path = Path(file.path)
    remedy = "Bring it back to that path, or distill anew."
    if not path.is_file():
        raise RunError(f"{path}: the teacher of this run is no longer there. {remedy}")
    if read_seal(path) != file.seal:
        raise RunError(f"{path}: is no longer the teacher that this run began with (another SHA-256). {remedy}")
    return _without_counts(load_predictor(path, device=device))


def _without_counts(teacher: Predictor) -> Predictor:
    """Return a teacher of texts without the counts beside its network: its student counts for itself."""
    companion = teacher.companion
    return replace(teacher, companion=None) if companion is not None and isinstance(companion.fitted, TokensFitted) else teacher


class FixedAnswers:
    """Answers that were found once for each train row, in a temporary file."""

    def __init__(self, teachers: Sequence[Predictor], spec: ComparesAnswers, data: RowsData) -> None:
        """Ask the teachers, with their own preprocessing and the plain models beside them.

        Raises:
            DataError: Rows that a teacher cannot prepare, or no room on the disk.
        """
        self._answers: np.ndarray | None = None
        place = 0
        for part in data.taught_parts():
            for found in _asked(teachers, spec, part, target=data.target):
                if self._answers is None:
                    self._answers = _room(sum(len(part) for part in data.taught_parts()), found.shape[1:])
                self._answers[place : place + len(found)] = found
                place += len(found)

    def __call__(self, batch: Batch, numbers: Tensor | None) -> Batch:
        """Return the answers for train rows.

        Raises:
            RunError: It is asked for another row.
        """
        if numbers is None or self._answers is None:
            raise RunError("the teachers of this run answered for its train rows once: a row of another part has no answer.")
        device = next(iter(batch.values())).device
        return {TEACHER: torch.from_numpy(self._answers[numbers.cpu().numpy()]).to(device)}


class LiveAnswers:
    """Answers for each batch as the student sees it."""

    def __init__(self, teachers: Sequence[Predictor], spec: ComparesAnswers, data: Data, *, has_features: bool = False) -> None:
        """Hold the teachers, in evaluation mode for good; the plain models beside them answer for the rows once.

        Raises:
            RecipeError: Features are asked for, and a teacher has none.
        """
        self._features = [Features(teacher.network, runs=1 + teacher.is_mirrored) for teacher in teachers] if has_features else []
        self._teachers, self._spec, self._target = teachers, spec, data.target
        self._floors = [_floor_answers(teacher, data) for teacher in teachers]
        for teacher in teachers:
            teacher.module.eval()

    @torch.no_grad()
    def __call__(self, batch: Batch, numbers: Tensor | None) -> Batch:
        """Return the answers for a finished batch; of several teachers the features stand beside each other.

        Raises:
            RunError: Its rows have no numbers, and the plain model beside a teacher answers for rows by their numbers.
        """
        if numbers is None and any(floor is not None for floor in self._floors):
            raise RunError("the plain model beside a teacher answers for train rows: a row without a number has no answer of it.")
        return self._found(batch, numbers)

    @torch.no_grad()
    def for_any(self, batch: Batch) -> Batch:
        """Return the same for rows of any part; the answers are of the teachers' networks alone."""
        return self._found(batch, None)

    def _found(self, batch: Batch, numbers: Tensor | None) -> Batch:
        """Return what the teachers say of a batch."""
        each = [
            self._answers(teacher, floor, batch, numbers) for teacher, floor in zip(self._teachers, self._floors, strict=True)
        ]
        found = {TEACHER: self._spec.pooled(each)}
        if self._features:
            found[TEACHER_FEATURES] = torch.cat([features.take() for features in self._features], dim=1)
        return found

    def _answers(self, teacher: Predictor, floor: np.ndarray | None, batch: Batch, numbers: Tensor | None) -> Tensor:
        """Return one teacher's answers, in the scale of the student's targets."""
        device, own = next(iter(batch.values())).device, torch.device(teacher.device)
        # A network that ONNX Runtime computes answers on the CPU, wherever the student is.
        there = {name: tensor.to(own) for name, tensor in batch.items()}
        with torch.autocast(own.type, dtype=torch.bfloat16, enabled=teacher.precision == "bfloat16"):
            answers = teacher.module.of_finished(there).float().to(device)
        if teacher.companion is None and _are_alike(teacher.target, self._target):
            return answers
        assert teacher.target is not None
        decoded = teacher.target.decode(answers.double().cpu().numpy())
        if floor is not None and teacher.companion is not None and numbers is not None:
            share = teacher.companion.share
            decoded = (1 - share) * decoded + share * floor[numbers.cpu().numpy()]
        if teacher.companion is not None and teacher.calibrator is not None:
            # With a plain model beside it, what is calibrated is the mean of both.
            decoded = teacher.calibrator.apply(decoded)
        return torch.from_numpy(_encoded(decoded, self._target)).to(device)


def _asked(
    teachers: Sequence[Predictor], spec: ComparesAnswers, part: RowsPart, *, target: Target | None
) -> Iterable[np.ndarray]:
    """Yield the teachers' answers for a part, batch by batch, in the scale of the student's targets."""
    for batches in zip(*(teacher.batches(part) for teacher in teachers), strict=True):
        yield spec.pooled([torch.from_numpy(_encoded(answers, target)) for _, answers in batches]).numpy()


def _encoded(answers: np.ndarray, target: Target | None) -> np.ndarray:
    """Return answers in the user's unit as the student's loss compares with: probabilities as they are, numbers standardized."""
    if target is None or target.classes:
        return answers.astype(np.float32)
    return target.encode(answers)


def _floor_answers(teacher: Predictor, data: Data) -> np.ndarray | None:
    """Return what the plain model beside a teacher says of each train row; None where there is none."""
    if teacher.companion is None:
        return None
    assert isinstance(data, RowsData)
    return np.concatenate([teacher.companion.fitted.answers(part) for part in data.taught_parts()])


def _room(rows: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return a temporary file for the answers of so many rows."""
    return scratch_array(
        (rows, *shape),
        dtype=np.float32,
        folders=scratch_folders(cache=cache_folder()),
        what=f"the teachers' answers for {rows:,} rows",
        remedy="Or let them answer for each batch: --set distill.views=live.",
    )


def _require_fit(place: str, teacher: Predictor, task: TaskSpec, data: Data) -> None:
    """Refuse a teacher that answers otherwise, or does not take the student's rows.

    Raises:
        RecipeError: It does.
    """
    found = f"recipe: distill.teachers: {place}"
    if teacher.task.answers != task.answers or not isinstance(teacher.task, ComparesAnswers):
        raise RecipeError(f"{found} answers with {teacher.task.answers}, the student with {task.answers}. Name another run.")
    own, other = (() if target is None else target.classes for target in (data.target, teacher.target))
    if own != other:
        odd = sorted({str(name) for name in {*own} ^ {*other}})
        told = f"knows other classes than these data ({', '.join(odd[:5])})" if odd else "knows these classes in another order"
        raise RecipeError(f"{found} {told}. Name another run.")
    if not task.answers_rows:
        if not _is_prepared_alike(teacher, data):
            raise RecipeError(
                f"{found} reads texts by other tokens than the student. Give it the same `prepare`, as tutelage distill does."
            )
        return
    assert isinstance(data, RowsData)
    few = data.train.part.select(np.arange(min(FEW_ROWS, len(data.train))))
    try:
        teacher.answers(few)
    except DataError as error:
        raise RecipeError(f"{found} does not take the student's rows: {error.problems[0]}") from error


def _not_live(place: str, teacher: Predictor, data: Data) -> str:
    """Return why a teacher cannot answer for a batch as the student sees it; "" where it can."""
    return "" if _is_prepared_alike(teacher, data) else f"{place} prepares rows otherwise than the student"


def _not_mixed(place: str, teacher: Predictor, data: Data) -> str:
    """Return why a teacher cannot answer for mixtures of rows; "" where it can."""
    if data.fitted is None or data.fitted.shape.view(Grid) is None or MIXABLE not in data.fitted.shape.tensors:
        return "only pictures can be mixed"
    return "" if teacher.companion is None else f"the plain model beside {place} answers for whole rows"


def _is_prepared_alike(teacher: Predictor, data: Data) -> bool:
    """Tell whether teacher and student see the same batch."""
    kind = str(getattr(data.prepare, "kind", ""))
    if teacher.fitted is None or data.fitted is None or teacher.prepare != kind:
        return False
    return teacher.fitted.shape == data.fitted.shape and bool(teacher.fitted.state() == data.fitted.state())


def _are_alike(one: Target | None, other: Target | None) -> bool:
    """Tell whether answers of one target are those of another as they are."""
    return one is None or bool(one.classes) or one == other
