"""What learning from labels has in common: one model, one phase, a loss per sample, weights, members, an average."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.errors import DataError, DataProblem, RecipeError
from tutelage.core.spec import Component, grant
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.source.base import Collected
from tutelage.data.target.base import Target
from tutelage.defaults.base import Suggestion
from tutelage.loss.base import LossFunction
from tutelage.metric.base import Outcome
from tutelage.planning.decisions import Decisions, say
from tutelage.planning.execution import usual_format
from tutelage.planning.facts import Facts
from tutelage.planning.plan import Plan
from tutelage.planning.recipe import Recipe
from tutelage.task.answering import Answering
from tutelage.task.average import Average
from tutelage.task.base import Batch, Data, Objective, Phase, Problem, Task, TaskSpec
from tutelage.task.beside import Beside, lens_of
from tutelage.task.calibration import Honesty, parted_validation
from tutelage.task.evaluation import RowsEvaluator, Shown
from tutelage.task.initialization import initialize
from tutelage.task.lags import lag_batch, measure_lags
from tutelage.task.mirroring import Mirroring
from tutelage.task.parts import split_rows
from tutelage.task.row_example import row_example
from tutelage.task.rows import PreparedPart, RowsData, planned_stream, rows_data
from tutelage.task.staged import opening_of, staged_phases

__all__ = ["SupervisedSpec", "SupervisedTask", "build_model", "by_member", "choose_ema"]

MOST_TRAIN_ROWS = 2_000
"""Train rows that are measured where a training seems to have learned nothing."""
NO_TARGET = "there is no target to learn. Name it: --target COLUMN."


class SupervisedSpec(TaskSpec):
    """What tasks with labels share; a subclass says what labels mean, which loss and metrics fit, and how to judge."""

    needs_labels: ClassVar[bool] = True
    starts = "head first"
    mistake_noun: ClassVar[str]

    def fit_target(self, labels: np.ndarray, *, reason: str, locate: Callable[[int], str] | None = None) -> Target:
        """Learn what the labels mean.

        Raises:
            DataError: Labels from which nothing can be learned, all problems at once.
        """
        raise NotImplementedError

    def default_loss(self, facts: Facts, *, auto: Suggestion, wish: object) -> tuple[Component, str]:
        """Return the loss that auto stands for, and why."""
        raise NotImplementedError

    def with_loss(self, loss: Component, ema: float) -> "SupervisedSpec":
        """Return these settings with loss and average decided."""
        raise NotImplementedError

    def baseline(self, train_truth: np.ndarray, target: Target, *, size: int) -> tuple[np.ndarray, str]:
        """Return a trivial predictor's predictions for `size` rows, and what it is."""
        raise NotImplementedError

    def mistakes(self, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        """Return how wrong each prediction is, float64 [N], and which count as mistakes, bool [N]."""
        raise NotImplementedError

    def say_mistake(self, outcome: Outcome, row: int, *, target: Target) -> dict[str, Any]:
        """Return truth and prediction of one row for people: `target`, `prediction`, `confidence` if there is such."""
        raise NotImplementedError

    def shown(self, target: Target) -> Shown:
        """Return a new collector of what the report shows beside the scores."""
        raise NotImplementedError

    def refusal(self, part: Part) -> str:
        """Refuse parts without rows and without labels."""
        if not isinstance(part, RowsPart):
            return f"task {getattr(self, 'kind', '')!r} learns from rows, and these are {part.kind} data. Choose another task."
        return NO_TARGET if part.labels is None else ""

    def prepare(self, collected: Collected, recipe: Recipe, *, reason: str) -> Data:
        """Learn what the labels mean, split, fit the preprocessing on train rows, apply it to all."""
        part = collected.train
        assert isinstance(part, RowsPart)
        labels = part.labels
        if labels is None:
            raise DataError([DataProblem(part.name, "there is no target to learn", "Name it: --target COLUMN.")])
        whole = self.fit_target(labels, reason=reason, locate=part.locate)
        split = split_rows(collected, recipe, classes=whole.encode(labels) if whole.classes else None)
        target = whole
        if not whole.classes:
            assert split.train.labels is not None
            target = self.fit_target(split.train.labels, reason=reason, locate=split.train.locate)
        kind = str(getattr(self, "kind", ""))
        return rows_data(split, collected=collected, recipe=recipe, target=target, task=(kind, reason))

    def decide(self, recipe: Recipe, facts: Facts, *, auto: Suggestion, made: Decisions) -> TaskSpec:
        """Choose loss and weight average."""
        own = type(self)()
        wished = getattr(self, "loss", None)
        wish = wished if recipe.loss == "auto" and wished != getattr(own, "loss", None) else recipe.loss
        default, why = self.default_loss(facts, auto=auto, wish=wish)
        loss = made.choose("loss", wish, grant(wish, default), why)
        fits = getattr(loss, "answers", self.answers)
        if fits != self.answers:
            raise RecipeError(
                f"recipe: loss = {say(loss)} is for {fits}, and task {getattr(self, 'kind', '')!r} gives {self.answers}."
            )
        wished_ema = getattr(self, "ema", 0.0)
        ema = choose_ema(wished_ema if recipe.ema == "auto" and wished_ema else recipe.ema, auto=auto, made=made)
        return self.with_loss(loss, ema)

    def build(self, plan: Plan, data: Data, *, module: nn.Module | None = None, rank: int = 0, world: int = 1) -> Problem:
        """Put a task around the model, rows into a stream, and evaluators beside."""
        assert isinstance(data, RowsData)
        model = build_model(plan, module)
        finisher = self.finisher(data.fitted).to(plan.device)
        phases = staged_phases(plan, model, prefix="model.")
        loss: Any = getattr(self, "loss")  # noqa: B009 - each subclass has its own
        names = tuple(data.fitted.shape.tensors)
        task = SupervisedTask(model, loss=loss.build(), input_names=names, phase=phases["fit"], ema=getattr(self, "ema", 0.0))
        task.phases, task.opening = phases, opening_of(plan)
        stream = planned_stream(data.served(plan.class_weights), plan, finisher=finisher, rank=rank, world=world)
        mirroring = Mirroring(plan)
        answering = _Answers(finisher, self, names, mirroring)
        watched, held = parted_validation(data.validation, plan)
        floor = None
        if plan.floor is not None:
            # Where a floor needs it, the network that is given has the weights of what the training starts from.
            lens = lens_of(model, plan, data) if plan.floor.needs_lens else None
            floor = Beside(plan.floor, replace(data, validation=watched), plan.seed, lens)

        def evaluator(name: str, part: PreparedPart, **beside: Any) -> RowsEvaluator:
            return RowsEvaluator(name=name, prepared=part, data=data, judge=self, plan=plan, answering=answering, **beside)

        honesty = Honesty(plan, self.answers, evaluator("calibration", held, beside=floor), is_apart=held is not watched)
        validation = evaluator("val", watched, is_watched=True, beside=floor, honest=honesty, is_last=data.test is None)

        def choose(task: Task) -> str:
            network = None if floor is None else validation.answered(task)
            reason = "" if network is None else validation.choose(network)
            honesty.fit(task, network if held is watched else None)
            return reason

        return Problem(
            task=task.to(plan.device),
            stream=stream,
            validation=validation,
            test=evaluator("test", data.test, beside=floor, honest=honesty) if data.test is not None else None,
            beside=floor,
            choose=choose,
            mirroring=mirroring.asked_of(validation, num_test=0 if data.test is None else len(data.test), scale=self),
            reserve=honesty.reserve_seconds,
            calibrator=honesty.calibrator,
            conformal=honesty.conformal,
            notes=honesty.notes,
            extras=honesty.extras,
            lags=lambda task: measure_lags(task, lambda: lag_batch(data.validation.labelled(), finisher, device=plan.device)),
            example=lambda part, row: row_example(self, loss, data, finisher, part, row, class_weights=plan.class_weights),
            num_parameters=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
            train=lambda: evaluator("train", data.train.some(MOST_TRAIN_ROWS)),
        )


class _Answers:
    """Makes the module that answers out of a task's present network."""

    def __init__(self, finisher: nn.Module, spec: TaskSpec, input_names: tuple[str, ...], mirroring: Mirroring) -> None:
        self._finisher, self._spec, self._names, self._mirroring = finisher, spec, input_names, mirroring

    def __call__(self, task: Task) -> nn.Module:
        mirrored = self._mirroring.axes
        return Answering(self._finisher, task.network(), task=self._spec, input_names=self._names, mirrored=mirrored)


class SupervisedTask(Task):
    """A model that learns from pairs of inputs and target; one phase, `fit`, unless it is staged."""

    def __init__(
        self,
        model: nn.Module,
        *,
        loss: LossFunction,
        input_names: tuple[str, ...],
        phase: Phase,
        ema: float = 0.0,
    ) -> None:
        """Hold the model and its loss.

        Args:
            model: Returns outputs [B, O]; or [B, M, O] for M members that share weights, if its `num_members` is M > 1.
            loss: One number per sample.
            input_names: The batch's tensors that the model takes, in order.
            phase: The optimizer, schedule and clipping.
            ema: Decay of the weight average that leaves the training; 0 keeps none.
        """
        super().__init__()
        self.model = model
        self.average = Average(model, decay=ema) if ema else None
        self.loss = loss
        self.input_names = input_names
        self.phases = {"fit": phase}
        self._num_members = int(getattr(model, "num_members", 1))

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the summed loss of a batch."""
        return self.judged(self.outputs(batch), batch)

    def outputs(self, batch: Batch) -> Tensor:
        """Return what the model gives, float32 [B, O], [B], or of members [B, M, O]."""
        outputs: Tensor = self.model(*[batch[name] for name in self.input_names]).float()
        return outputs

    def judged(self, outputs: Tensor, batch: Batch) -> Objective:
        """Return the summed loss of outputs."""
        loss_B = _per_sample(self.loss, outputs, batch["target"], num_members=self._num_members)
        weight_B = batch.get("weight")
        if weight_B is None:
            return Objective(loss_B.sum(), float(len(loss_B)), {})
        return Objective((loss_B * weight_B).sum(), weight_B.sum(), {})

    def after_update(self, phase: str, made: Tensor | None = None) -> None:
        """Let the average follow the weights."""
        if self.average is not None:
            self.average.follow(self.model, made=made)

    def network(self) -> nn.Module:
        """Return the model, or its average where one is kept."""
        return self.model if self.average is None else self.average.module


def build_model(plan: Plan, module: nn.Module | None) -> nn.Module:
    """Build the plan's architecture - or take the own module - on the plan's device, initialized as the plan says."""
    if module is None:
        assert plan.model is not None
        assert plan.shape is not None
        module = plan.model.build(plan.shape, plan.num_outputs)
        initialize(module, plan, purpose="init")
    module = module.to(plan.device)
    if usual_format(plan.shape) == "channels_last":
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


def choose_ema(wish: float | str, *, auto: Suggestion, made: Decisions) -> float:
    """Choose the decay of the weight average.

    Raises:
        RecipeError: It is not in [0, 1).
    """
    ema = auto.ema if wish == "auto" else float(wish)
    if not 0 <= ema < 1:
        raise RecipeError(f"recipe: ema = {ema:g} must be in [0, 1); 0 keeps no average. Typical: 0.99 to 0.9999.")
    made.choose("ema", wish, ema)
    return ema


def by_member(outputs: Tensor) -> Tensor:
    """Return outputs [B, O], [B] or of members [B, M, O] as [M, B, O]."""
    if outputs.dim() == 3:
        return outputs.transpose(0, 1)
    return outputs[None] if outputs.dim() == 2 else outputs[None, :, None]


def _per_sample(loss: LossFunction, outputs: Tensor, target_B: Tensor, *, num_members: int) -> Tensor:
    """Return loss_B of outputs [B, O] or [B]; of members [B, M, O] the mean of their losses."""
    if num_members == 1:
        return loss(outputs[:, None] if outputs.dim() == 1 else outputs, target_B)
    flat = loss(outputs.flatten(0, 1), target_B.repeat_interleave(num_members, dim=0))
    return flat.view(len(outputs), num_members).mean(dim=1)
