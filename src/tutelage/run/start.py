"""The ways into a training: plan it, start it, resume it; from the command line and from Python alike."""

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tutelage.core import layout
from tutelage.core.border import is_missing
from tutelage.core.emitter import Emitter
from tutelage.core.errors import RecipeError, RunError
from tutelage.core.events import Decided, Noted, Sink, Warned
from tutelage.core.json_values import json_values
from tutelage.core.manifest import Manifest
from tutelage.core.memory import memory_told
from tutelage.core.names import shorten, to_address
from tutelage.core.plain import check_plain
from tutelage.core.stopwatch import Stopwatch
from tutelage.core.toml import to_toml
from tutelage.planning.decisions import say
from tutelage.planning.facts import Machine
from tutelage.planning.plan import Plan, plan_from
from tutelage.planning.recipe import Recipe
from tutelage.run.birth import born, check_place, clean, tidy
from tutelage.run.collect import FROM_PYTHON, Gathered, collect, gather, gather_again, source_kind
from tutelage.run.ending import has_ended, refuse_made
from tutelage.run.files import RunFiles, tell_nobody
from tutelage.run.folder import run_folder
from tutelage.run.kept_prepare import kept_recipe
from tutelage.run.known_products import known_facts_of_machine
from tutelage.run.lock import locked
from tutelage.run.mend import mend
from tutelage.run.origin import Origin, decide_origin, full_path, known_facts, open_origin
from tutelage.run.own_structure import own_structure
from tutelage.run.pilot import Pilot
from tutelage.run.teachers import know_teachers
from tutelage.run.training import Training
from tutelage.run.ways import choose_way, told_of_trying
from tutelage.track.jsonl import JsonlSink
from tutelage.training.checkpoint import checkpoints
from tutelage.training.crowd import crowded
from tutelage.training.machine import choose_device, deterministic, device_refusal, environment
from tutelage.training.mesh import Mesh, device_of_process, is_alone, is_first_process, mesh_from_environment
from tutelage.training.resolve import resolve
from tutelage.training.room import require_memory_room, require_room_for_step
from tutelage.training.stopping import require_measured
from tutelage.training.threads import threads

__all__ = ["Request", "gone_sources", "plan_training", "resume_training", "start_training"]

PREFIX = re.compile(r"^\w+:(?=/)")
"""The kind of a source, before its path."""
MOVED = "A run goes on where its device is. To train anew on this machine: tutelage train --recipe {} --set device=auto"
TRIES, PAUSE_SECONDS = 5, 0.1
"""How often, and at which distance, a run is asked for that another process owns."""


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        recipe: What the user wants.
        out: The run folder, or "" for a new one below runs/.
        data: Arrays, a table or a pair from Python, in place of the recipe's source.
        test: The same for the test part.
        marks: The time or the group of each row of `data`, for `split.by`.
        weights: How much each row of `data` counts in the loss, float64 [N]; None where all count alike.
        module: An own module, in place of the recipe's model.
        command: What was typed, to repeat it.
        sinks: Who is told what happens, besides the run folder.
        started: `time.monotonic()` at the start of the command.
        machine: What was measured of the machine before; None = it is measured.
        watching: What watches a training that is only tried, as one more job of its loop.
    """

    recipe: Recipe
    out: str = ""
    data: object = None
    test: object = None
    marks: object = None
    weights: np.ndarray | None = None
    module: nn.Module | None = None
    command: str = ""
    sinks: Sequence[Sink] = ()
    started: float = field(default_factory=time.monotonic)
    machine: Machine | None = None
    watching: Pilot | None = None

    @property
    def source(self) -> str:
        """Where the data is, for people."""
        return FROM_PYTHON if self.data is not None else to_address(self.recipe.source)


def plan_training(request: Request, *, stopwatch: Stopwatch | None = None) -> tuple[Plan, Gathered, Machine]:
    """Read the data and decide everything; nothing is trained or written.

    Args:
        request: What is asked for.
        stopwatch: Told how long each part took.

    Raises:
        TutelageError: Anything that would stop the training before its first step.
    """
    recipe, own = request.recipe, request.module
    watch = stopwatch or Stopwatch(started=request.started)
    origin = _origin(request)
    watch.lap("starting")
    collected = collect(recipe, data=request.data, test=request.test, as_given=own is not None, marks=request.marks)
    collected = replace(collected, weights=request.weights)
    watch.lap("reading")
    prepared, kept = kept_recipe(recipe, origin, collected)
    gathered = gather(prepared, collected)
    watch.lap("preparing")
    device = choose_device(recipe.device)
    machine = request.machine or known_facts_of_machine(device_of_process(os.environ, device))
    own_model = type(own).__name__ if own is not None else ""
    data = gathered.data
    # The plan says `cuda` for all: which card each process takes follows from its place, also when it is resumed.
    facts = data.facts(
        replace(machine, device=device), task=str(getattr(gathered.task, "kind", "")), is_own_model=own is not None
    )
    facts = replace(facts, teachers=know_teachers(recipe.distill, gathered.task, data))
    facts = known_facts(facts, origin, task=gathered.task)
    plan = resolve(prepared, facts, own_model=own_model, prepare=data.prepare, split=data.split)
    _try_model(plan)
    if origin is not None:
        plan = decide_origin(recipe.start_from, plan, origin, data=data, facts=facts)
    if own is not None:
        plan = plan.but(own_structure=own_structure(own))
        # Of several processes the first one tries, and its plan is everybody's: two at a time would time each other.
        if is_first_process(os.environ):
            plan = choose_way(plan, data, own, recipe=recipe, machine=machine)
    watch.lap("planning")
    return plan.but(decisions=(*data.decisions(), *kept, *plan.decisions)), gathered, machine


def _origin(request: Request) -> Origin | None:
    """Open what a training is to start from; None where it starts from nothing.

    Raises:
        RecipeError: An own module is given beside it.
    """
    path = request.recipe.start_from.path
    if path and request.module is not None:
        raise RecipeError(f"recipe: start_from = {path}: an own module has its weights already. Leave start_from out.")
    return open_origin(path) if path else None


def _try_model(plan: Plan) -> None:
    """Build the network without memory: one that does not fit is told before there is a run folder.

    Raises:
        RecipeError: It does not fit the data, or the memory.
    """
    if plan.model is None or plan.shape is None:
        return
    try:
        with memory_told("building the model"), torch.device("meta"):
            network = plan.task.make_network(plan.model, plan.shape, plan.num_outputs)
    except (RuntimeError, OverflowError) as error:  # sizes whose product no tensor can have
        raise RecipeError(f"recipe: model = {say(plan.model)} cannot be built: {error}. Make it smaller.") from error
    what = f"model = {say(plan.model)}"
    require_memory_room(sum(value.nbytes for value in network.state_dict().values()), plan.device, what=what)
    require_room_for_step(network, plan.shape, plan.device, what=what)


def start_training(request: Request) -> Path:
    """Train from the beginning, and return the run folder.

    Raises:
        TutelageError: Bad wishes, bad data, or a training that diverged.
    """
    # Measuring starts a graphics card, whose libraries then have read their settings.
    device = device_of_process(os.environ, choose_device(request.recipe.device))
    # Looked at before this process computes itself.
    wished = request.recipe.threads
    crowd = crowded(device, num_threads=wished if isinstance(wished, int) else 0)
    with deterministic(device, is_wished=request.recipe.deterministic is True):
        return _start(request, crowd)


def _start(request: Request, crowd: str) -> Path:
    """Do what `start_training` says; `crowd` is what is told of other programs."""
    # Before the data is read, which may take long.
    check_place(request.out)
    stopwatch = Stopwatch(started=request.started)
    plan, gathered, machine = plan_training(request, stopwatch=stopwatch)
    with joined(mesh_from_environment(os.environ, device=machine.device)) as mesh:
        # One plan for all: each process has measured the machine for itself, and might have decided otherwise.
        plan = plan_from(mesh.agree(plan.to_record()))

        def fill(folder: Path) -> None:
            _write_birth(folder, request, plan, gathered, environment(machine, num_processes=mesh.world))

        with threads(plan.num_threads), _led(mesh, born(request.out, name=gathered.collected.name, fill=fill)) as folder:
            emitter = _emitter(folder, request, mesh, stopwatch=stopwatch)
            try:
                # Measured for an own module, or decided for a tiny network, one thread waits for nobody.
                is_alone_anyway = 1 in (plan.num_threads, getattr(plan.task, "threads", 0))
                for event in (*gathered.events, *([Warned(message=crowd)] if crowd and not is_alone_anyway else [])):
                    emitter.emit(event)
                for decision in plan.decisions:
                    emitter.emit(Decided(key=decision.key, value=decision.value, reason=decision.reason))
                for told in told_of_trying(plan):
                    emitter.emit(Noted(message=told))
                own_plan = plan.but(device=machine.device)
                given = request.command, request.module, mesh
                Training(folder, own_plan, gathered, emitter, *given, watching=request.watching).run()
            finally:
                emitter.close()
    return folder


def _write_birth(folder: Path, request: Request, plan: Plan, gathered: Gathered, found: dict[str, Any]) -> None:
    """Write what is known before the first step: wishes, machine, data, and at last the plan; with it, a run can be resumed."""
    for name in layout.FOLDERS:
        # Made here, their names are on the disk long before what is in them is called saved.
        (folder / name).mkdir()
    wishes = _from_anywhere(request.recipe).model_dump(mode="json", exclude_defaults=True)
    manifest = Manifest(folder)
    manifest.put(layout.RECIPE, to_toml({"format": request.recipe.format, **wishes}).encode())
    manifest.put_json(layout.ENV, found)
    manifest.put_json(layout.DATA, json_values(gathered.describe(path=request.source)))
    manifest.put_json(layout.PLAN, plan.to_record() | {"command": request.command})


def _emitter(folder: Path, request: Request, mesh: Mesh, *, stopwatch: Stopwatch | None = None) -> Emitter:
    """Return where events go: into the folder and to the request's sinks; of several processes only the first one tells."""
    sinks: list[Sink] = []
    mesh.lead(lambda: sinks.extend([JsonlSink(folder), *request.sinks]))
    return Emitter(sinks, started=request.started, stopwatch=stopwatch)


@contextmanager
def joined(mesh: Mesh) -> Iterator[Mesh]:
    """Train with the other processes, and leave them at the end: together, unless one of them failed."""
    try:
        yield mesh
    except BaseException:
        mesh.close()
        raise
    mesh.close(is_in_order=True)


@contextmanager
def _led(mesh: Mesh, owner: AbstractContextManager[Path]) -> Iterator[Path]:
    """Own a run folder: of several processes the first one enters for all, and all know the folder."""
    with ExitStack() as stack:
        yield Path(mesh.lead(lambda: str(stack.enter_context(owner))))


@contextmanager
def _owned(folder: Path) -> Iterator[Path]:
    """Own a run folder that is there, and sweep it: nobody else writes to it now."""
    with ExitStack() as owner:
        for tries_left in reversed(range(TRIES)):
            try:
                owner.enter_context(locked(folder))
                break
            except RunError:
                # A report owns the folder too, for the moment in which it sweeps.
                if not tries_left:
                    raise
                time.sleep(PAUSE_SECONDS)
        check_plain(folder, is_resumed=True)
        clean(folder)
        yield folder


def resume_training(run: str | Path, request: Request) -> Path:
    """Go on with a run from its newest intact checkpoint, by its own saved plan.

    Args:
        run: The run folder.
        request: Data and module from Python where the run was given such; sinks. Its recipe is ignored.

    Raises:
        RunError: Not a run folder, or the data is no longer the same.
    """
    folder = run_folder(run)
    files = RunFiles(folder, tell=tell_nobody)
    # An end is final, and needs neither this run's device nor the right to write; of several processes all look later.
    if is_alone(os.environ) and has_ended(files):
        tidy(folder)
        _tell_end(files, request)
        return folder
    plan, command = files.plan()
    require_measured(plan, where=str(files.folder / layout.PLAN))
    refuse_made(files, command=command)
    plan = plan.but(device=device_of_process(os.environ, plan.device))
    if refusal := device_refusal(plan.device):
        found = f"{files.folder / layout.PLAN}: device = {shorten(plan.device)}: {refusal}"
        raise RunError(f"{found} {MOVED.format(files.folder / layout.RECIPE)}")
    with deterministic(plan.device, is_wished=plan.deterministic):
        _resume(files, plan, request, command)
    return folder


def _resume(files: RunFiles, plan: Plan, request: Request, command: str) -> None:
    """Go on by a plan whose device is this process's own."""
    folder, num_threads = files.folder, plan.num_threads
    with joined(mesh_from_environment(os.environ, device=plan.device)) as mesh, _led(mesh, _owned(folder)), threads(num_threads):
        # Asked by the owner alone: the process before may have ended it since this one began.
        is_ended, notes = mesh.lead(lambda: _ends_here(folder, request))
        if is_ended:
            return
        for note in notes:
            files.say(note)
        mesh.lead(lambda: mend(files))
        # As it is now.
        gathered = _gather_again(RunFiles(folder, tell=files.say), plan, request)
        has_checkpoint = mesh.agree(bool(checkpoints(folder)))
        emitter = _emitter(folder, request, mesh)
        if not has_checkpoint:
            # Killed before its first checkpoint: it begins again, by the same plan, and tells its story anew.
            emitter.rewind(dict.fromkeys(layout.LOGS, 0))
        try:
            beside: dict[str, Any] = {"notes": tuple(files.notes), "watching": request.watching}
            training = Training(folder, plan, gathered, emitter, command, request.module, mesh, **beside)
            training.run(is_resumed=has_checkpoint)
        finally:
            emitter.close()


def _ends_here(folder: Path, request: Request) -> tuple[bool, list[str]]:
    """Tell whether a run has ended, as its files are now, and say so to whoever wants to go on with it.

    Returns:
        Whether it has, and what was found damaged on the way, which is still to be told where it goes on.
    """
    files = RunFiles(folder, tell=tell_nobody)
    is_ended = has_ended(files)
    if is_ended:
        _tell_end(files, request)
    return is_ended, files.notes


def _tell_end(files: RunFiles, request: Request) -> None:
    """Tell that a run has ended, and what was found damaged in it."""
    done = Noted(message=f"{files.folder} has ended: there is nothing to go on with. Its scores are in {layout.RESULT}.")
    for event in (*(Warned(message=text) for text in files.notes), done):
        for sink in request.sinks:
            sink.take(event)


def _gather_again(files: RunFiles, plan: Plan, request: Request) -> Gathered:
    """Read and prepare the data as for the run's beginning.

    Raises:
        RunError: The own module was not given, or the data is no longer the same.
    """
    folder, recipe = files.folder, files.recipe()
    if plan.own_model and request.module is None:
        found = f"{folder / layout.PLAN}: this run trained your own module {plan.own_model!r}, which is not stored as code"
        raise RunError(f"{found}. Pass it again, from Python: tutelage.resume(..., model={plan.own_model}()).")
    gone = gone_sources(recipe) if request.data is None else []
    if gone:
        raise RunError(f"{folder}: the data is no longer at {' and '.join(gone)}. Bring it back to that path, or train anew.")
    as_given = request.module is not None
    collected = collect(recipe, data=request.data, test=request.test, as_given=as_given, marks=request.marks)
    return gather_again(recipe, plan, collected, folder=folder, record=files.record(layout.DATA))


def gone_sources(recipe: Recipe) -> list[str]:
    """Return which of a recipe's paths are no longer there."""
    return [path for path in (recipe.source, recipe.test) if _is_gone(path)]


def _is_gone(source: str) -> bool:
    """Tell whether a source that a run wrote down in full, perhaps with its kind before it, is no longer there."""
    place = PREFIX.sub("", source)
    try:
        return Path(place).is_absolute() and not Path(place).stat()
    except OSError as error:
        return is_missing(error)


def _from_anywhere(recipe: Recipe) -> Recipe:
    """Write paths in full, so that a run can be resumed from another working folder."""
    if recipe.start_from.path:
        recipe = recipe.but(start_from=recipe.start_from.but(path=full_path(recipe.start_from.path)))
    if not recipe.source:
        return recipe
    kind = source_kind(recipe)
    # The test part is read by the source's own kind, whatever it looks like by itself.
    places = {key: kind.anywhere(path) for key in ("source", "test") if (path := getattr(recipe, key))}
    return recipe.but(**places, distill=recipe.distill.anywhere())
