"""The only place where names in a plan become objects: the model, the task, the stream, the step, the evaluators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from tutelage.core import catalog
from tutelage.core.seeds import derive
from tutelage.core.spec import Component
from tutelage.data.augment.base import Augment
from tutelage.data.augment.none import NoAugment
from tutelage.data.prepare.target import ClassTarget
from tutelage.data.stream import FiniteStream
from tutelage.metric.base import Metric
from tutelage.predictor.predictor import Predictor
from tutelage.run.gather import Gathered, Prepared, class_weights
from tutelage.task.base import Phase, Task
from tutelage.training.control import Control
from tutelage.training.evaluate import Evaluator
from tutelage.plan.plan import Plan
from tutelage.training.state import TrainState, seed_everything
from tutelage.training.step import Step, StepOptions

__all__ = ["Composed", "compose"]


@dataclass(frozen=True)
class Composed:
    """A training, built and not yet begun.

    Attributes:
        state: Everything that survives a step.
        validation: Measures the validation part.
        test: Measures the test part; None where there is none.
        num_outputs: How many numbers the model returns per row.
        num_parameters: Learned numbers in the model.
    """

    state: TrainState
    validation: Evaluator
    test: Evaluator | None
    num_outputs: int
    num_parameters: int


def compose(plan: Plan, gathered: Gathered, *, module: nn.Module | None = None) -> Composed:
    """Build a training.

    Args:
        plan: Everything decided.
        gathered: Prepared data.
        module: An own module, trained in place of the plan's model.

    Raises:
        RecipeError: A part cannot be built as the plan says.
    """
    seed_everything(derive(plan.seed, "model"))
    num_outputs = count_outputs(plan, gathered)
    model = module if module is not None else build_model(plan, gathered, num_outputs)
    model = model.to(plan.device)
    if gathered.fitted.input_names == ("image",):
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    task = build_task(plan, gathered, model).to(plan.device)
    step = Step(task, StepOptions(plan.device, plan.precision, plan.compile, plan.num_micro))
    state = TrainState(task, step, build_stream(plan, gathered), Control(plan.total_steps))
    seed_everything(derive(plan.seed, "training"))
    metrics = [catalog.load("metric", name)() for name in plan.metrics]
    watched = [] if plan.watched in plan.metrics else [catalog.load("metric", plan.watched)()]
    return Composed(
        state=state,
        validation=build_evaluator("val", plan, gathered, gathered.validation, [*metrics, *watched]),
        test=build_evaluator("test", plan, gathered, gathered.test, metrics) if gathered.test else None,
        num_outputs=num_outputs,
        num_parameters=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
    )


def count_outputs(plan: Plan, gathered: Gathered) -> int:
    """Return how many numbers the model has to return per row."""
    if not isinstance(gathered.target, ClassTarget):
        return 1
    num_classes = len(gathered.target.classes)
    is_sigmoid = plan.task.loss.kind == "binary_cross_entropy"
    return 1 if is_sigmoid and num_classes == 2 else num_classes


def build_model(plan: Plan, gathered: Gathered, num_outputs: int) -> nn.Module:
    """Build the plan's architecture and, if the plan names a scheme, initialize it anew."""
    assert plan.model is not None
    model: nn.Module = plan.model.build(gathered.fitted.shape, num_outputs)
    if plan.init is not None:
        plan.init.apply(model, torch.Generator().manual_seed(derive(plan.seed, "init")))
    return model


def build_task(plan: Plan, gathered: Gathered, model: nn.Module) -> Task:
    """Put a task around the model."""
    phase = Phase(owns=("model.",), optim=plan.optim, schedule=plan.schedule, clip=plan.clip)
    task: Task = plan.task.build(model, input_names=gathered.fitted.input_names, phase=phase)
    return task


def build_stream(plan: Plan, gathered: Gathered) -> FiniteStream:
    """Make the stream of training batches."""
    tensors = {**gathered.train.tensors, "target": gathered.train.target}
    if plan.class_weights:
        tensors["weight"] = class_weights(gathered.train.target, plan.class_weights)
    augment: Augment | None = None if isinstance(plan.augment, NoAugment) else plan.augment
    return FiniteStream(
        tensors, batch_size=plan.batch_size, seed=plan.seed, device=plan.device, finish=gathered.fitted.finish, augment=augment
    )


def build_evaluator(name: str, plan: Plan, gathered: Gathered, part: Prepared, metrics: Sequence[Metric]) -> Evaluator:
    """Make what measures one part."""
    return Evaluator(
        name=name,
        tensors=part.tensors,
        target=part.truth,
        input_names=gathered.fitted.input_names,
        finish=gathered.fitted.finish,
        decode=_decoder(gathered),
        metrics=metrics,
        device=plan.device,
        precision=plan.precision,
    )


def build_predictor(plan: Plan, gathered: Gathered, task: Task, *, num_outputs: int, facts: dict[str, Any]) -> Predictor:
    """Make the predictor out of the task's present weights (the average's, where one is kept)."""
    average = getattr(task, "average", None)
    module: nn.Module = getattr(task, "model") if average is None else average.module  # noqa: B009 - Task has no such field
    prepare: Component = gathered.prepare
    return Predictor(
        module=module,
        model=plan.model,
        task=plan.task,
        prepare=getattr(prepare, "kind", ""),
        fitted=gathered.fitted,
        target=gathered.target,
        shape=gathered.fitted.shape,
        num_outputs=num_outputs,
        precision=plan.precision,
        device=plan.device,
        facts=facts,
    )


def _decoder(gathered: Gathered) -> Any:
    """Return what turns answers into the user's unit."""
    target = gathered.target
    if isinstance(target, ClassTarget):
        return _as_they_are
    return target.decode


def _as_they_are(answers: np.ndarray) -> np.ndarray:
    """Return probabilities unchanged."""
    return answers
