"""From a recipe to prepared data: the source collects, the quality checks look, the task prepares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tutelage.core import catalog, layout
from tutelage.core.errors import BRING_BACK, DataError, DataProblem, RecipeError, RunError, UsageError
from tutelage.core.events import Event, Noted, Warned
from tutelage.core.memory import memory_told
from tutelage.core.names import shorten
from tutelage.core.spec import parse
from tutelage.data.part.base import RowsPart
from tutelage.data.quality.look import look_all
from tutelage.data.source.arrays import AS_ARRAYS, collect_arrays
from tutelage.data.source.base import Collected, Source
from tutelage.data.source.recognize import recognize, require_path
from tutelage.data.source.target import NO_TARGET
from tutelage.data.split_keys import find_keys, known_rows
from tutelage.hardware.held_memory import hold_memory
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.run.inputs import Inputs
from tutelage.task.base import Data, TaskSpec
from tutelage.task.choose import choose_task
from tutelage.task.rows import RowsData, prepare_rows

__all__ = ["FROM_PYTHON", "Gathered", "collect", "gather", "gather_again", "one_mark", "refuse_bad", "source_kind"]

FROM_PYTHON = "arrays given from Python"
BESIDE = ("target", "test", "on_bad_data")
"""Settings of every source that are keys of a recipe themselves."""
OF_ARRAYS = ("text", "kind")
"""Settings by which data from Python are read, where the task does not read them in a way of its own."""


@dataclass(frozen=True)
class Gathered:
    """Everything about the data that a training needs.

    Attributes:
        collected: What the source gave.
        task: What is learned.
        data: What the task made of it.
    """

    collected: Collected
    task: TaskSpec
    data: Data

    @property
    def events(self) -> list[Event]:
        """Notes and warnings about the data."""
        left_out = sum(max(1, len(problem.items)) for problem in self.collected.problems)
        told = [f"{left_out} bad item{'s' * (left_out != 1)} left out; the report lists them"] if left_out else []
        warnings = [*self.collected.warnings, *told, *self.data.warnings()]
        return [*(Noted(message=note) for note in self.collected.notes), *(Warned(message=text) for text in warnings)]

    def describe(self, *, path: str) -> dict[str, Any]:
        """Return the record of data.json."""
        collected, sizes = self.collected, {name: count for name, count in self.data.sizes.items() if count}
        return {
            "source": collected.name,
            "path": path,
            "kind": collected.train.kind,
            "items": self.data.unit,
            "target": "",
            "fingerprint": self.data.fingerprint,
            "parts": sizes,
            "skipped": [problem.record() for problem in collected.problems],
            "warnings": list(collected.warnings),
            "notes": list(collected.notes),
            "findings": [finding.record() for finding in collected.findings],
            **self.data.describe(),
        }


@memory_told("reading the data")
def collect(
    recipe: Recipe, *, data: object = None, test: object = None, as_given: bool = False, marks: object = None
) -> Collected:
    """Read the source, whatever it is, and look for faults.

    Args:
        recipe: Names the source, or gives settings for `data`.
        data: Arrays, a table or a pair from Python, in place of the recipe's source.
        test: The same for the test part.
        as_given: Pass arrays on as they are; for a model of the user's own.
        marks: The time or the group of each row of `data`, for `split.by`.

    Raises:
        UsageError: Nothing that can be read.
        RecipeError: A setting that the source does not have.
        DataError: Bad items that may not be skipped; all of them at once.
        OutOfMemoryError: The process may take too few addresses to compute at all.
    """
    hold_memory()
    if data is not None and (taker := _taker_of(data)) is not None:
        source: Source = parse(taker, dict(recipe.source_settings), where="recipe: source")
        return _looked_at(source.of_value(data), recipe)
    if data is not None:
        return _looked_at(_of_python(recipe, data, test=test, as_given=as_given, marks=marks), recipe)
    if not recipe.source:
        raise UsageError("no source given. Name a folder, a file, or a bundled set such as sklearn:digits.")
    return _looked_at(_source(recipe).collect(), recipe)


def _of_python(recipe: Recipe, data: object, *, test: object, as_given: bool, marks: object) -> Collected:
    """Read data from Python as the task that is named takes them."""
    reader = _reader_of_task(recipe)

    def read(reading: Mapping[str, Any] | None) -> Collected:
        return collect_arrays(
            data,
            target=_target(recipe, can_lack=True) if reader is None else "",
            test=test,
            on_bad_data=recipe.on_bad_data,
            as_given=as_given,
            is_input=reader is not None,
            reading=reading,
            marks=marks,
        )

    if reader is not None:
        return reader.of_tables(read(None))
    reading = _of_arrays(recipe)
    arrays = read(reading)
    is_refused = isinstance(recipe.task, TaskSpec) and recipe.task.refusal(arrays.train)
    # What arrays hold is found out for tasks that learn from series; others take them as they are.
    return read(reading | AS_ARRAYS) if is_refused and "kind" not in reading and not as_given else arrays


def one_mark(groups: object, times: object) -> object:
    """Return what rows are parted by: the groups or the times that were given beside them, None where neither was.

    Raises:
        UsageError: Both were given.
    """
    if groups is not None and times is not None:
        raise UsageError("groups=... and times=... were both given: rows are parted by one of them.")
    return times if groups is None else groups


def source_kind(recipe: Recipe) -> type[Source]:
    """Return the kind of source that a recipe names, or that reads its path.

    Raises:
        RecipeError: No such kind.
        UsageError: No source understands the path.
    """
    require_path(recipe.source)
    own = recipe.task.reads_as if isinstance(recipe.task, TaskSpec) else ""
    is_read = own and catalog.load("source", own).recognizes_input(recipe.source, {})
    named = recipe.source_settings.get("kind") or (own if is_read else None)
    kind: type[Source] = recognize(recipe.source) if named is None else catalog.load("source", str(named))
    return kind


def _of_arrays(recipe: Recipe) -> dict[str, Any]:
    """Return the settings by which data from Python are read.

    Raises:
        RecipeError: One that they do not have.
    """
    others = [key for key in recipe.source_settings if key not in OF_ARRAYS]
    if others:
        found = f"recipe: source.{others[0]} = {recipe.source_settings[others[0]]!r} means nothing to data from Python"
        remedy = (
            "Name the task that it is for, such as task='forecast', or give a path." if recipe.task == "auto" else "Leave it out."
        )
        raise RecipeError(f"{found}. {remedy}")
    return dict(recipe.source_settings)


def _taker_of(value: object) -> type[Source] | None:
    """Return the kind of source that takes a value from Python as it is; None where it is read as arrays or tables."""
    kinds: list[type[Source]] = [catalog.load("source", kind) for kind in catalog.names("source")] if callable(value) else []
    return next((kind for kind in kinds if kind.takes(value)), None)


def _reader_of_task(recipe: Recipe) -> Source | None:
    """Return the source that makes the data of the task that is named out of tables; None where tables are what it takes."""
    kind = recipe.task.reads_as if isinstance(recipe.task, TaskSpec) else ""
    if not kind or not hasattr(catalog.load("source", kind), "of_tables"):
        return None
    source: Source = parse(
        catalog.load("source", kind), {**recipe.source_settings, "target": recipe.target}, where="recipe: source"
    )
    return source


def gather_again(recipe: Recipe, plan: Plan, collected: Collected, *, folder: Path, record: Mapping[str, Any]) -> Gathered:
    """Prepare a run's data again as its plan says: what was chosen at its beginning is not chosen anew.

    Args:
        recipe: The run's.
        plan: The run's.
        collected: The data, read again.
        folder: The run, for messages.
        record: Its data.json.

    Raises:
        RunError: The data are no longer the same, no longer parted in the same way, or the plan says what cannot be done.
    """
    try:
        gathered = gather(recipe if plan.prepare is None else recipe.but(prepare=plan.prepare), collected)
    except RecipeError as error:
        # It began once, so what is wrong was written since: by name of the file, and with a remedy for who did not write it.
        found = str(error).removeprefix("recipe: ").rstrip(".")
        changed = "That file, or the data, is no longer as it was when this run began."
        raise RunError(f"{folder / layout.PLAN}: {found}. {changed} {BRING_BACK}") from error
    if gathered.data.fingerprint != record["fingerprint"]:
        before, now = _say_parts(record["parts"]), _say_parts(gathered.describe(path="")["parts"])
        sizes = f" ({before} then, {now} now)" if before != now else ""
        remedy = "Train anew, bring the old data back, or go on with the version of tutelage that began it."
        raise RunError(f"{folder}: the data at {recipe.source or FROM_PYTHON} has changed since this run began{sizes}. {remedy}")
    return gathered


def _say_parts(parts: Mapping[str, int]) -> str:
    """Name parts with their sizes."""
    return ", ".join(f"{count:,} {name}" for name, count in parts.items())


@memory_told("preparing the data")
def gather(recipe: Recipe, collected: Collected) -> Gathered:
    """Choose the task and let it prepare what a source has collected.

    Raises:
        DataError: Nothing to learn; all problems at once.
        RecipeError: A wish that does not fit the data.
    """
    task, reason = choose_task(recipe, collected.train)
    data = task.prepare(collected, recipe, reason=reason)
    return Gathered(collected, task, with_extra(data, recipe) if recipe.distill.extra else data)


def with_extra(data: Data, recipe: Recipe) -> Data:
    """Return data with the further rows that a recipe names, prepared as the train rows are.

    Raises:
        RecipeError: The data are no rows.
        DataError: Rows that cannot be read or prepared, or labels that do not fit.
    """
    where = recipe.distill.extra
    if not isinstance(data, RowsData):
        raise RecipeError(f"recipe: distill.extra = {where!r}: there are no further rows of a {data.collected.train.kind}.")
    column = data.train.part.target
    part, problems = Inputs(data.fitted, lambda: column, lambda: recipe.source).read([where], target="auto")
    refuse_bad(problems, recipe.on_bad_data)
    return replace(data, extra=prepare_rows(part, data.fitted, target=data.target))


def refuse_bad(problems: Sequence[DataProblem], on_bad_data: str) -> None:
    """Refuse data with problems, unless all of them could be left out and the user wants that.

    Raises:
        UsageError: Neither `fail` nor `skip` was said.
        DataError: All of the problems, or of those that cannot be left out.
    """
    if on_bad_data not in ("fail", "skip"):
        raise UsageError(f"on_bad_data = {shorten(on_bad_data)}: expected fail or skip.")
    # Of those that may be left out nothing has to be said where they are.
    problems = [problem for problem in problems if on_bad_data == "fail" or not problem.can_skip]
    if problems:
        raise DataError(problems)


def _source(recipe: Recipe) -> Source:
    """Return the recipe's source with its settings."""
    settings, kind = recipe.source_settings, source_kind(recipe)
    for key in BESIDE:
        if key in settings:
            raise RecipeError(f"recipe: source.{key} = {settings[key]!r}: write it beside the source: {key} = {settings[key]!r}.")
    if recipe.target != "auto" and not kind.has_targets:
        found = f"recipe: target = {recipe.target!r} means nothing to a source without columns, such as {recipe.source}"
        raise RecipeError(f"{found}. Leave it out.")
    beside = {key: getattr(recipe, key) for key in BESIDE} | {"target": _target(recipe, can_lack=kind.can_lack_target)}
    source: Source = parse(kind, {**settings, "path": recipe.source, **beside}, where="recipe: source")
    return source


def _target(recipe: Recipe, *, can_lack: bool) -> str:
    """Return the column to predict: none where nobody names one and the task needs none, if the data can be read so."""
    is_free = can_lack and recipe.target == "auto" and isinstance(recipe.task, TaskSpec) and recipe.task.leaves_labels
    return NO_TARGET if is_free else recipe.target


def _looked_at(collected: Collected, recipe: Recipe) -> Collected:
    """Refuse bad data, find by what rows are to be parted, and let the quality checks look at the rest."""
    refuse_bad(collected.problems, recipe.on_bad_data)
    wish = recipe.split
    found, notes, problems = find_keys(
        collected.train, collected.test, by=wish.by, column=wish.column, pattern=wish.pattern, marks=collected.marks
    )
    refuse_bad(problems, recipe.on_bad_data)
    train = collected.train
    if problems and isinstance(train, RowsPart):
        rows = known_rows(found)
        train, found = train.select(rows), replace(found, keys=found.keys[rows])
    notes, problems = (*collected.notes, *notes), (*collected.problems, *problems)
    return look_all(replace(collected, train=train, split=found, notes=notes, problems=problems))
