"""The functions of the Python package: train, plan, resume, distill, open_run, explain.

`train` and `resume` seed the default generators of torch, NumPy and `random` anew, and train an own module in place.
"""

import os
import time as clock
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from torch import nn

from tutelage.core.errors import UsageError
from tutelage.core.memory import memory_told
from tutelage.core.spec import Component
from tutelage.export.exportable import ExportableRun
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe, merge, recipe_from
from tutelage.report.diverged import reporting_divergence
from tutelage.report.lesson_page import require_page_name, write_lesson
from tutelage.report.page import write_report
from tutelage.run.collect import FROM_PYTHON, one_mark
from tutelage.run.distill import Lesson, distill_runs
from tutelage.run.elsewhere import Where
from tutelage.run.estimate import Estimate, estimate_of
from tutelage.run.estimating import estimate_resume, estimate_training
from tutelage.run.explain import Asked, explain_row
from tutelage.run.files import warn_user
from tutelage.run.lesson import Explanation
from tutelage.run.run import Run
from tutelage.run.run_source import is_run, request_beside_run
from tutelage.run.start import Request, plan_training, resume_training, start_training
from tutelage.run.survey import damaged_weights
from tutelage.run.task_setting import with_task_setting
from tutelage.run.told_in_python import python_console
from tutelage.training.mesh import is_first_process

__all__ = ["distill", "estimate", "explain", "open_run", "plan", "resume", "train"]

OF_SOURCE = ("text", "kind", "time_column", "series_id", "known")
"""Arguments that are settings of the source."""


def train(
    source: Any = None,
    *,
    env: Any = None,
    target: str = "auto",
    task: str | Component = "auto",
    model: str | Component | nn.Module = "auto",
    test: Any = None,
    groups: Any = None,
    times: Any = None,
    header: str = "auto",
    epochs: float | None = None,
    steps: int | None = None,
    time: float | str | None = None,
    seed: int = 0,
    out: str | Path = "",
    quiet: bool = False,
    recipe: Recipe | None = None,
    **wishes: Any,
) -> Run:
    """Train a model on data and return the run.

    Args:
        source: A path or a name such as `sklearn:digits`; or a pair of arrays (X, y), a table, a dict of columns.
        env: In place of a source, an environment of Gymnasium to act in: a name, a class, or a function that returns one.
        target: Name of the target column; auto = told from the names.
        task: What is learned (`tutelage list task`); auto = told from the data.
        model: An architecture, or an own `nn.Module`, which gets the arrays as they are.
        test: The test part, if not inside the source.
        groups: What each row of arrays belongs to, such as a patient: all its rows are in one part.
        times: When each row of arrays was: train is before validation is before test.
        header: Whether the first row of a table in a file holds the column names: first or none; auto = found out.
        epochs: Passes over the train rows; or
        steps: optimizer steps; or
        time: wall time of the whole call, in seconds or such as "3m".
        seed: Root of all randomness.
        out: The run folder; "" = a new one below runs/.
        quiet: Tell only warnings and the end.
        recipe: All wishes at once; the other arguments are put on top.
        **wishes: Any further key of a recipe, such as `optim="sgd"`; `start_from`, a run or a folder; `env_steps="100k"` for the
            three; of series with times `horizon`, `time_column`, `series_id`, `known`; of a table `text`; of arrays `kind`.

    Raises:
        RecipeError, DataError: A wish that cannot be met; data that was refused, all problems at once.
    """
    budget = {"epochs": epochs, "steps": steps, "time": time, "env_steps": wishes.pop("env_steps", None)}
    plain = {"target": target, "task": task, "seed": seed, "header": header, **wishes}
    source, marks = _or_env(source, env), {"group": groups, "time": times}
    request = _request(source, plain, model=model, test=test, marks=marks, budget=budget, out=out, quiet=quiet, recipe=recipe)
    return _trained(request)


def plan(
    source: Any,
    *,
    model: str | Component | nn.Module = "auto",
    test: Any = None,
    groups: Any = None,
    times: Any = None,
    recipe: Recipe | None = None,
    **wishes: Any,
) -> Plan:
    """Decide everything that `train` would, without training; `plan(...).decisions` has each value with its reason."""
    budget = {key: wishes.pop(key, None) for key in ("epochs", "steps", "time", "env_steps")}
    marks = {"group": groups, "time": times}
    request = _request(source, wishes, model=model, test=test, marks=marks, budget=budget, out="", quiet=True, recipe=recipe)
    return plan_training(request)[0]


def estimate(
    source: Any,
    *,
    model: str | Component | nn.Module = "auto",
    test: Any = None,
    groups: Any = None,
    times: Any = None,
    recipe: Recipe | None = None,
    hardware: str = "",
    devices: int = 1,
    price: float | None = None,
    **wishes: Any,
) -> Estimate:
    """Say how long `train` would take with the same arguments, and what that is made of; trains for some seconds, leaves nothing.

    A run folder as `source` is asked for the time that is left. `seconds`, `time.interval_80`, `time.parts`; `record()` has all.
    `hardware` names a device that is not at hand (`tutelage hardware --list`), `devices` how many of it share each batch, `price`
    what one of them costs an hour.
    """
    where = Where(hardware, devices, price)
    if is_run(source):
        request = request_beside_run({**wishes, "model": model, "recipe": recipe}, test=test, marks=one_mark(groups, times))
        return estimate_of(estimate_resume(source, request, report=write_report), where)
    budget = {key: wishes.pop(key, None) for key in ("epochs", "steps", "time", "env_steps")}
    marks = {"group": groups, "time": times}
    request = _request(source, wishes, model=model, test=test, marks=marks, budget=budget, out="", quiet=True, recipe=recipe)
    return estimate_of(estimate_training(request, report=write_report), where)


def resume(
    run: str | Path,
    source: Any = None,
    *,
    model: nn.Module | None = None,
    test: Any = None,
    groups: Any = None,
    times: Any = None,
    quiet: bool = False,
) -> Run:
    """Go on with a run that was interrupted; it ends with the same bits as if it never had been.

    Args:
        run: The run folder.
        source: The same arrays, if the run was given arrays.
        model: The same module, newly made, if the run was given one.
        test: The same test arrays, if the run was given such.
        groups: The same groups of rows, if the run was given such.
        times: The same times of rows, if the run was given such.
        quiet: Tell only warnings and the end.
    """
    marks = one_mark(groups, times)
    request = Request(
        Recipe(),
        data=source,
        test=test,
        marks=marks,
        module=model,
        sinks=python_console(run, is_quiet=quiet),
    )
    with memory_told("training"), reporting_divergence():
        folder = resume_training(run, request)
    damaged = damaged_weights(folder)
    for text in damaged:
        warn_user(text)
    return _ended(folder, model, damaged=damaged)


def open_run(run: str | Path, *, model: nn.Module | None = None) -> Run:
    """Open a run folder to evaluate and predict with its model."""
    return ExportableRun.open(run, model=model)


def distill(
    runs: str | Path | Sequence[str | Path],
    *,
    student: str | Component = "small",
    source: Any = None,
    test: Any = None,
    groups: Any = None,
    times: Any = None,
    extra: str | Path = "",
    alone: bool = True,
    out: str | Path = "",
    quiet: bool = False,
    **wishes: Any,
) -> Run:
    """Train a smaller network under trained ones, and the same alone, and return the student's run.

    Its `result["distillation"]` has teacher, student and alone side by side. The same call again goes on where it was cut off.

    Args:
        runs: The run that teaches, or several; the data are those of the first one.
        student: `small` or `tiny` (1/4 and 1/16 of the teacher's parameters, in fewer layers), or an architecture.
        source: The same arrays, if the first run was given arrays; so are the next three.
        test: The test part.
        groups: What each row belongs to.
        times: When each row was.
        extra: Further rows; those without labels are judged by the teachers alone.
        alone: Whether to train the same student without teachers too, for as many steps.
        out: The student's run folder; "" = a new one below runs/.
        quiet: Tell only warnings and the end.
        **wishes: Any further key of a recipe, such as `distill={"own": 0.5}`; `epochs`, `steps` or `time` (wall time of the
            student's training), where they differ from the first teacher's.

    Raises:
        TutelageError: A teacher, a student, or a wish that does not fit.
    """
    teachers = (str(runs),) if isinstance(runs, str | Path) else tuple(map(str, runs))
    budget = {key: wishes.pop(key) for key in ("epochs", "steps", "time") if key in wishes}
    given: dict[str, Any] = {"data": source, "test": test, "marks": one_mark(groups, times)}
    asked: dict[str, Any] = {"extra": str(extra), "out": str(out), "is_alone_too": alone, "is_quiet": quiet}
    return _taught(Lesson(teachers, student, {**wishes, **({"budget": budget} if budget else {})}, **given, **asked))


def explain(
    run: str | Path | Run,
    *,
    row: int = 1,
    part: str = "train",
    file: str | Path = "",
    at: Literal["end", "start"] = "end",
    out: str | Path = "",
    model: nn.Module | None = None,
    data: Any = None,
    test: Any = None,
    groups: Any = None,
    times: Any = None,
) -> Explanation:
    """Follow one row through preprocessing, forward pass, loss, backpropagation and one update, with all numbers.

    Nothing of the run is changed. Print what is returned; `record()` has its numbers.

    Args:
        run: The run, or its folder.
        row: Number of the row in its part, from 1.
        part: Which rows are counted: `train`, `validation` or `test`.
        file: Another file with labels to take the row from.
        at: With the weights that leave (`end`), or those before the first step (`start`).
        out: Write a page there too, whose name ends in .html.
        model: An own module like the one that was trained, newly made: that of a run has its weights no more as they began.
        data: The same arrays, where the run was given such; so are the next three.
        test: The test part.
        groups: What each row belongs to.
        times: When each row was.

    Raises:
        TutelageError: No such row, or no data, weights or update to follow.
    """
    if out:
        require_page_name(out)
    asked = Asked(row, part, str(file), at, data, test, groups, times)
    opened = Run(run.path, model, run.tell) if isinstance(run, Run) else Run.open(run, model=model)
    explanation = explain_row(opened, asked)
    if out:
        write_lesson(explanation, out)
    return explanation


def _taught(lesson: Lesson) -> Run:
    """Distill as asked for."""
    with memory_told("training"), reporting_divergence():
        distilled = distill_runs(lesson)
    if distilled.alone is not None:
        _ended(distilled.alone, None)
    return _ended(distilled.folder, None)


def _or_env(source: Any, env: Any) -> Any:
    """Return what is trained on: a source, or an environment.

    Raises:
        UsageError: Both were given, or neither.
    """
    if (source is None) == (env is None):
        raise UsageError("give a source, or env=...: one of them.")
    return source if env is None else f"gym:{env.removeprefix('gym:')}" if isinstance(env, str) else env


def _trained(request: Request) -> Run:
    """Train what was asked for."""
    with memory_told("training"), reporting_divergence():
        folder = start_training(request)
    return _ended(folder, request.module)


def _ended(folder: Path, module: nn.Module | None, *, damaged: Sequence[str] = ()) -> Run:
    """Write the report, once however many processes train together, and open the run."""
    run = ExportableRun(folder, module)
    if is_first_process(os.environ):
        write_report(folder, patience_seconds=run.decided.save_patience_seconds, damaged=damaged)
    return run


def _request(
    source: Any,
    wishes: dict[str, Any],
    *,
    model: Any,
    test: Any,
    marks: dict[str, Any],
    budget: dict[str, Any],
    out: str | Path,
    quiet: bool,
    recipe: Recipe | None,
) -> Request:
    """Turn a call's arguments into a request."""
    is_path = isinstance(source, str | Path)
    header = wishes.pop("header", "auto")
    of_source = {key: wishes.pop(key) for key in OF_SOURCE if key in wishes} | ({} if header == "auto" else {"header": header})
    if header != "auto" and not is_path:
        raise UsageError(f"header={header!r} is about a table in a file; the names of columns from Python are known.")
    module = model if isinstance(model, nn.Module) else None
    if module is not None and is_path:
        raise UsageError("an own module needs arrays, train((X, y), model=...): tutelage cannot know what it takes from files.")
    # What a recipe says stays, unless an argument says otherwise: one left at its default says nothing.
    values: dict[str, Any] = {} if recipe is None else {key: getattr(recipe, key) for key in recipe.model_fields_set}
    for key, value in wishes.items():
        if recipe is None or not _is_default(key, value):
            values = merge(values, [key], value)
    values |= _origin(values)
    if "horizon" in values:
        values = with_task_setting(values, "horizon", values.pop("horizon"))
    if module is None and model != "auto":
        values = merge(values, ["model"], model)
    if any(value is not None for value in budget.values()):
        values["budget"] = {key: value for key, value in budget.items() if value is not None}
    values |= _places(source, test, of_source)
    given_marks = {by: mark for by, mark in marks.items() if mark is not None}
    if given_marks:
        values["split"] = _by_marks(values.get("split", {}), list(given_marks), is_path=is_path)
    wished = recipe_from(values, where="train(...)")
    given = {
        **wishes,
        **of_source,
        "header": header,
        "model": model,
        **{key: value for key, value in budget.items() if value is not None},
    }
    said = [f"{key}={_say(value)}" for key, value in given.items() if value not in ("auto", 0)]
    command = f"tutelage.train({', '.join([repr(str(source)) if is_path else f'<{FROM_PYTHON}>', *said])})"
    sinks = python_console(out, is_quiet=quiet)
    data = {} if is_path else {"data": source, "test": test, "marks": next(iter(given_marks.values()), None)}
    return Request(wished, str(out), **data, module=module, command=command, sinks=sinks, started=clock.monotonic())


def _origin(values: dict[str, Any]) -> dict[str, Any]:
    """Return the path of what a training starts from, where that was given as a run or a path."""
    start = values.get("start_from")
    return {"start_from": str(getattr(start, "path", start))} if isinstance(start, Path | Run) else {}


def _places(source: Any, test: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what a recipe says of where the data are, and of how they are read."""
    if not isinstance(source, str | Path):
        return {"source_settings": settings} if settings else {}
    said = {"path": str(source), **settings} if settings else str(source)
    return {"source": said} | ({} if test is None else {"test": str(test)})


def _by_marks(split: Any, given: list[str], *, is_path: bool) -> dict[str, Any]:
    """Return how rows are to be parted where groups or times were given beside them.

    Raises:
        UsageError: Both were given, or something else was asked for, or the rows are in a file.
    """
    wish = dict(split) if isinstance(split, dict) else {key: getattr(split, key) for key in split.model_fields_set}
    by = given[0]
    if is_path:
        raise UsageError(f"{by}s=... go with arrays; of a path say the column: split={{'by': {by!r}, 'column': NAME}}.")
    if len(given) > 1:
        raise UsageError("groups=... and times=... were both given: rows are parted by one of them.")
    if wish.get("by", by) not in (by, "auto") or "column" in wish or "pattern" in wish:
        raise UsageError(f"{by}s=... and split = {wish}: rows are parted by one of them. Leave one out.")
    return {**wish, "by": by}


def _is_default(key: str, value: object) -> bool:
    """Tell whether a wish is what a recipe says by itself; an unknown key never is, so that it is refused with its name."""
    field = Recipe.model_fields.get(key)
    return field is not None and bool(value == field.get_default(call_default_factory=True))


def _say(value: object) -> str:
    """Write an argument as it would be typed; a module by its class."""
    return f"<{type(value).__name__}>" if isinstance(value, nn.Module) else repr(value)
