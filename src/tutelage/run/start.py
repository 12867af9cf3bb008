"""The ways into a training: plan it, start it, resume it; from the command line and from Python alike."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from tutelage.core import layout
from tutelage.core.durable import write_durably, write_json
from tutelage.core.emitter import Emitter
from tutelage.core.errors import RunError
from tutelage.core.events import Decided, Noted, Sink
from tutelage.core.toml import to_toml
from tutelage.run.folder import create_folder, locked, read_json, run_folder
from tutelage.data.source.recognize import recognize
from tutelage.run.collect import Gathered, collect, gather
from tutelage.run.training import PAUSED, Training
from tutelage.track.jsonl import JsonlSink
from tutelage.training.checkpoint import checkpoints
from tutelage.planning.facts import Machine
from tutelage.training.machine import check_device, environment, machine_facts
from tutelage.planning.plan import Plan, plan_from
from tutelage.planning.recipe import Recipe, read_recipe, recipe_from
from tutelage.training.resolve import resolve

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
        return FROM_PYTHON if self.data is not None else self.recipe.source


def plan_training(request: Request) -> tuple[Plan, Gathered, Machine]:
    """Read the data and decide everything; nothing is trained or written.

    Raises:
        TutelageError: Anything that would stop the training before its first step.
    """
    recipe, own = request.recipe, request.module
    collected = collect(recipe, data=request.data, test=request.test, as_given=own is not None)
    gathered = gather(recipe, collected)
    machine = machine_facts(recipe.device)
    own_model = type(own).__name__ if own is not None else ""
    data = gathered.data
    facts = data.facts(machine, task=str(getattr(gathered.task, "kind", "")), is_own_model=own is not None)
    plan = resolve(recipe, facts, own_model=own_model, prepare=data.prepare, split=data.split)
    return plan.but(decisions=(*data.decisions(), *plan.decisions)), gathered, machine


def start_training(request: Request) -> Path:
    """Train from the beginning, and return the run folder.

    Raises:
        TutelageError: Bad wishes, bad data, or a training that diverged.
    """
    plan, gathered, machine = plan_training(request)
    folder = create_folder(request.out, name=gathered.collected.name)
    with locked(folder):
        wishes = _from_anywhere(request.recipe.model_dump(mode="json", exclude_defaults=True))
        write_durably(folder / layout.RECIPE, to_toml(wishes).encode())
        write_json(folder / layout.ENV, environment(machine))
        write_json(folder / layout.DATA, gathered.describe(path=request.source))
        write_json(folder / layout.PLAN, plan.to_record() | {"command": request.command})
        emitter = Emitter([JsonlSink(folder), *request.sinks], started=request.started)
        try:
            for event in gathered.events:
                emitter.emit(event)
            for decision in plan.decisions:
                emitter.emit(Decided(key=decision.key, value=decision.value, reason=decision.reason))
            Training(folder, plan, gathered, emitter, request.command, request.module).run()
        finally:
            emitter.close()
    return folder


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
    with locked(folder):
        _sweep(folder)
        recipe = recipe_from(read_recipe(folder / layout.RECIPE), where=str(folder / layout.RECIPE))
        record = read_json(folder / layout.PLAN)
        command = str(record.pop("command", ""))
        plan = plan_from(record)
        check_device(plan.device)
        if plan.own_model and request.module is None:
            raise RunError(
                f"{folder}: this run trained your own module {plan.own_model!r}: pass it again, model={plan.own_model}()."
            )
        collected = collect(recipe, data=request.data, test=request.test, as_given=request.module is not None)
        gathered = gather(recipe, collected)
        expected = read_json(folder / layout.DATA).get("fingerprint")
        if gathered.data.fingerprint != expected:
            raise RunError(
                f"{folder}: the data at {FROM_PYTHON if request.data is not None else recipe.source} has changed since this run began. Train anew, or bring the old data back."
            )
        lines = JsonlSink(folder)
        has_checkpoint = bool(checkpoints(folder))
        if not has_checkpoint:
            # Killed before its first checkpoint: it begins again, by the same plan, and tells its story anew.
            lines.rewind({layout.EVENTS: 0, layout.METRICS: 0})
        emitter = Emitter([lines, *request.sinks], started=request.started)
        try:
            Training(folder, plan, gathered, emitter, command, request.module).run(is_resumed=has_checkpoint)
        finally:
            emitter.close()
    return folder


def _has_ended(folder: Path) -> bool:
    """Tell whether a run came to its end, with its test part opened; it must not be opened twice."""
    path = folder / layout.RESULT
    return path.exists() and read_json(path).get("stopped") not in PAUSED


def _from_anywhere(wishes: dict[str, Any]) -> dict[str, Any]:
    """Write paths in full, so that a run can be resumed from another working folder."""
    paths: dict[str, Any] = {}
    for key in ("source", "test"):
        if wishes.get(key):
            paths[key] = recognize(wishes[key]).anywhere(wishes[key])
    return {**wishes, **paths}


def _sweep(folder: Path) -> None:
    """Remove what killed writers left half done."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)
