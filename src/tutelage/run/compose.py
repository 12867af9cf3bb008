"""From a plan and prepared data to a training that is ready to begin: the task builds its problem, the step its optimizers."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tutelage.core.memory import memory_told
from tutelage.core.seeds import derive
from tutelage.floor.base import Floor
from tutelage.planning.execution import MemoryFormat
from tutelage.planning.plan import Plan
from tutelage.predictor.companion import FloorShare
from tutelage.predictor.predictor import Predictor
from tutelage.run.origin import begun_network
from tutelage.run.teachers import taught
from tutelage.task.base import Data, Problem
from tutelage.task.companion import Companion
from tutelage.training.control import Control
from tutelage.training.mesh import LONE, Mesh
from tutelage.training.state import TrainState, seed_everything
from tutelage.training.step import Step, StepOptions

__all__ = ["Composed", "build_predictor", "compose"]


@dataclass(frozen=True)
class Composed:
    """A training, built and not yet begun.

    Attributes:
        state: Everything that survives a step.
        problem: What the task built.
    """

    state: TrainState
    problem: Problem


@memory_told("building the model")
def compose(plan: Plan, data: Data, *, module: nn.Module | None = None, mesh: Mesh = LONE, is_resumed: bool = False) -> Composed:
    """Build a training.

    Args:
        plan: Everything decided.
        data: Prepared data.
        module: An own module, trained in place of the plan's model.
        mesh: The processes that train together.
        is_resumed: Whether a checkpoint is put back afterwards, so that what the training started from may be gone.

    Raises:
        RecipeError: A part cannot be built as the plan says.
        RunError: What the training starts from is gone, or no longer the same.
    """
    begun = None if plan.origin is None else begun_network(plan, data, is_resumed=is_resumed)
    module = module if begun is None else begun.network
    seed_everything(derive(plan.seed, "model"))
    problem = plan.task.build(plan, data, module=module, rank=mesh.rank, world=mesh.world)
    if begun is not None:
        begun.settle(problem.task)
    if plan.execution is not None:
        _lay_out(problem.task, plan.memory_format)
    if plan.distill is not None:
        problem = taught(problem, plan, data)
    step = Step(problem.task, StepOptions(plan.device, plan.precision, plan.compile, plan.num_micro), mesh=mesh)
    state = TrainState(problem.task, step, problem.stream, Control(plan.total_steps))
    # Each process drops its own units out; the first one as if it were alone.
    place = (mesh.rank,) if mesh.rank else ()
    seed_everything(derive(plan.seed, "training", *place))
    return Composed(state, problem)


def _lay_out(task: nn.Module, form: MemoryFormat) -> None:
    """Change where the weights of convolutions over pictures lie, not what they are: convolutions follow that layout."""
    wanted = torch.channels_last if form == "channels_last" else torch.contiguous_format
    for parameter in task.parameters():
        if parameter.dim() == 4:
            # Not `contiguous`: filters over one channel count as either layout, and would go on asking for the other one.
            parameter.data = parameter.data.to(memory_format=wanted)


def build_predictor(plan: Plan, data: Data, problem: Problem, *, facts: dict[str, Any]) -> Predictor:
    """Make the predictor out of the task's present weights (the average's, where one is kept), and of the floor if it counts."""
    assert plan.shape is not None
    return Predictor(
        network=problem.task.network(),
        model=plan.model,
        task=plan.task,
        prepare=getattr(data.prepare, "restored_by", ""),
        fitted=data.fitted,
        target=data.target,
        shape=plan.shape,
        num_outputs=plan.num_outputs,
        precision=plan.precision,
        device=plan.device,
        companion=_share(problem.beside),
        calibrator=problem.calibrator(),
        conformal=problem.conformal(),
        judge=problem.judge(),
        is_mirrored=problem.mirroring is not None and problem.mirroring.is_on,
        facts=facts,
    )


def _share(beside: Companion | None) -> FloorShare | None:
    """Return the floor as it leaves; None where there is none, or the network answers alone."""
    if beside is None or not beside.share:
        return None
    assert isinstance(beside.floor, Floor)
    return FloorShare(beside.floor, beside.fitted, beside.share)
