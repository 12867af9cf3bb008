"""The ways into a training: plan it, start it, resume it; from the command line and from Python alike."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tutelage.core import layout
from tutelage.core.durable import sweep, write_durably, write_json
from tutelage.core.emitter import Emitter
from tutelage.core.errors import RecipeError, RunError
from tutelage.core.events import Decided, Noted, Sink
from tutelage.core.names import to_address
from tutelage.core.toml import to_toml
from tutelage.planning.decisions import say
from tutelage.planning.facts import Machine
from tutelage.planning.plan import Plan, plan_from
from tutelage.planning.recipe import Recipe, read_recipe, recipe_from
from tutelage.run.collect import Gathered, collect, gather, source_kind
from tutelage.run.folder import create_folder, read_json, run_folder
from tutelage.run.lock import locked
from tutelage.run.training import PAUSED, Training
from tutelage.track.jsonl import JsonlSink
from tutelage.training.checkpoint import checkpoints
from tutelage.training.machine import check_device, choose_device, deterministic, environment, machine_facts
from tutelage.training.mesh import Mesh, device_of_process, mesh_from_environment
from tutelage.training.resolve import resolve
from tutelage.training.room import require_room

__all__ = ["Request", "plan_training", "resume_training", "start_training"]

FROM_PYTHON = "arrays given from Python"


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        recipe: What the user wants.
        out: The run folder, or "" for a new one below runs/.
        data: Arrays, a table or a pair from Python, in place of the recipe's source.
        test: The same for the test part.
        module: An own module, in place of the recipe's model.
        command: What was typed, to repeat it.
        sinks: Who is told what happens, besides the run folder.
        started: `time.monotonic()` at the start of the command.
    """

    recipe: Recipe
    out: str = ""
    data: object = None
    test: object = None
    module: nn.Module | None = None
    command: str = ""
    sinks: Sequence[Sink] = ()
    started: float = field(default_factory=time.monotonic)

    @property
    def source(self) -> str:
        """Where the data is, for people."""
        return FROM_PYTHON if self.data is not None else to_address(self.recipe.source)


def plan_training(request: Request) -> tuple[Plan, Gathered, Machine]:
    """Read the data and decide everything; nothing is trained or written.

    Raises:
        TutelageError: Anything that would stop the training before its first step.
    """
    recipe, own = request.recipe, request.module
    collected = collect(recipe, data=request.data, test=request.test, as_given=own is not None)
    gathered = gather(recipe, collected)
    device = choose_device(recipe.device)
    machine = machine_facts(device_of_process(os.environ, device))
    own_model = type(own).__name__ if own is not None else ""
    data = gathered.data
    # The plan says `cuda` for all: which card each process takes follows from its place, also when it is resumed.
    facts = data.facts(
        replace(machine, device=device), task=str(getattr(gathered.task, "kind", "")), is_own_model=own is not None
    )
    plan = resolve(recipe, facts, own_model=own_model, prepare=data.prepare, split=data.split)
    _try_model(plan)
    return plan.but(decisions=(*data.decisions(), *plan.decisions)), gathered, machine


def _try_model(plan: Plan) -> None:
    """Build the network without memory: one that does not fit is told before there is a run folder.

    Raises:
        RecipeError: It does not fit the data, or the memory.
    """
    if plan.model is None or plan.shape is None:
        return
    try:
        with torch.device("meta"):
            network = plan.task.make_network(plan.model, plan.shape, plan.num_outputs)
    except (RuntimeError, OverflowError, MemoryError) as error:  # sizes whose product no tensor can have
        raise RecipeError(f"recipe: model = {say(plan.model)} cannot be built: {error}. Make it smaller.") from error
    require_room(sum(value.nbytes for value in network.state_dict().values()), plan.device, what=f"model = {say(plan.model)}")


def start_training(request: Request) -> Path:
    """Train from the beginning, and return the run folder.

    Raises:
        TutelageError: Bad wishes, bad data, or a training that diverged.
    """
    # Measuring starts a graphics card, whose libraries then have read their settings.
    device = device_of_process(os.environ, choose_device(request.recipe.device))
    with deterministic(device, is_wished=request.recipe.deterministic is True):
        return _start(request)


def _start(request: Request) -> Path:
    """Do what `start_training` says."""
    plan, gathered, machine = plan_training(request)
    with joined(mesh_from_environment(os.environ, device=machine.device)) as mesh:
        # One plan for all: each process has measured the machine for itself, and might have decided otherwise.
        plan = plan_from(mesh.agree(plan.to_record()))
        folder = Path(mesh.lead(lambda: str(create_folder(request.out, name=gathered.collected.name))))
        with owned(folder, mesh):
            num_processes = mesh.world
            mesh.lead(lambda: _write_birth(folder, request, plan, gathered, environment(machine, num_processes=num_processes)))
            emitter = _emitter(folder, request, mesh)
            try:
                for event in gathered.events:
                    emitter.emit(event)
                for decision in plan.decisions:
                    emitter.emit(Decided(key=decision.key, value=decision.value, reason=decision.reason))
                own_plan = plan.but(device=machine.device)
                Training(folder, own_plan, gathered, emitter, request.command, request.module, mesh).run()
            finally:
                emitter.close()
    return folder


def _write_birth(folder: Path, request: Request, plan: Plan, gathered: Gathered, found: dict[str, Any]) -> None:
    """Write what is known before the first step: wishes, machine, data, plan."""
    wishes = _from_anywhere(request.recipe).model_dump(mode="json", exclude_defaults=True)
    write_durably(folder / layout.RECIPE, to_toml(wishes).encode())
    write_json(folder / layout.ENV, found)
    write_json(folder / layout.DATA, gathered.describe(path=request.source))
    write_json(folder / layout.PLAN, plan.to_record() | {"command": request.command})


def _emitter(folder: Path, request: Request, mesh: Mesh) -> Emitter:
    """Return where events go: into the folder and to the request's sinks; of several processes only the first one tells."""
    sinks: list[Sink] = []
    mesh.lead(lambda: sinks.extend([JsonlSink(folder), *request.sinks]))
    return Emitter(sinks, started=request.started)


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
def owned(folder: Path, mesh: Mesh) -> Iterator[None]:
    """Own a run folder: of several processes the first one holds the lock for all."""
    with ExitStack() as lock:
        mesh.lead(lambda: lock.enter_context(locked(folder)))
        yield


def resume_training(run: str | Path, request: Request) -> Path:
    """Go on with a run from its newest intact checkpoint, by its own saved plan.

    Args:
        run: The run folder.
        request: Data and module from Python where the run was given such; sinks. Its recipe is ignored.

    Raises:
        RunError: Not a run folder, or the data is no longer the same.
    """
    folder = run_folder(run)
    if _has_ended(folder):
        for sink in request.sinks:
            sink.take(Noted(message=f"{folder} has ended: there is nothing to go on with. Its scores are in {layout.RESULT}."))
        return folder
    record = read_json(folder / layout.PLAN)
    command = str(record.pop("command", ""))
    plan = plan_from(record)
    plan = plan.but(device=device_of_process(os.environ, plan.device))
    check_device(plan.device)
    with deterministic(plan.device, is_wished=plan.deterministic):
        _resume(folder, plan, request, command)
    return folder


def _resume(folder: Path, plan: Plan, request: Request, command: str) -> None:
    """Go on by a plan whose device is this process's own."""
    with joined(mesh_from_environment(os.environ, device=plan.device)) as mesh, owned(folder, mesh):
        gathered = _gather_again(folder, plan, request)
        mesh.lead(lambda: sweep(folder))
        has_checkpoint = mesh.agree(bool(checkpoints(folder)))
        emitter = _emitter(folder, request, mesh)
        if not has_checkpoint:
            # Killed before its first checkpoint: it begins again, by the same plan, and tells its story anew.
            emitter.rewind({layout.EVENTS: 0, layout.METRICS: 0})
        try:
            Training(folder, plan, gathered, emitter, command, request.module, mesh).run(is_resumed=has_checkpoint)
        finally:
            emitter.close()


def _gather_again(folder: Path, plan: Plan, request: Request) -> Gathered:
    """Read and prepare the data as for the run's beginning.

    Raises:
        RunError: The own module was not given, or the data is no longer the same.
    """
    path = folder / layout.RECIPE
    recipe = recipe_from(read_recipe(path), where=str(path))
    if plan.own_model and request.module is None:
        raise RunError(f"{folder}: this run trained your own module {plan.own_model!r}: pass it again, model={plan.own_model}().")
    collected = collect(recipe, data=request.data, test=request.test, as_given=request.module is not None)
    gathered = gather(recipe, collected)
    if gathered.data.fingerprint != read_json(folder / layout.DATA).get("fingerprint"):
        source = FROM_PYTHON if request.data is not None else recipe.source
        remedy = "Train anew, or bring the old data back."
        raise RunError(f"{folder}: the data at {source} has changed since this run began. {remedy}")
    return gathered


def _has_ended(folder: Path) -> bool:
    """Tell whether a run came to its end, with its test part opened; it must not be opened twice."""
    path = folder / layout.RESULT
    return path.exists() and read_json(path).get("stopped") not in PAUSED


def _from_anywhere(recipe: Recipe) -> Recipe:
    """Write paths in full, so that a run can be resumed from another working folder."""
    if not recipe.source:
        return recipe
    kind = source_kind(recipe)
    # The test part is read by the source's own kind, whatever it looks like by itself.
    return recipe.but(**{key: kind.anywhere(path) for key in ("source", "test") if (path := getattr(recipe, key))})
