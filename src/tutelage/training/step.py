"""The one training step: micro-batches, objective, backward, clip, optimizer, upkeep, for each phase of the beat."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from tutelage.core.errors import RecipeError
from tutelage.optim.base import NamedParameter
from tutelage.optim.clip import clip_norm
from tutelage.optim.roles import declare_roles
from tutelage.task.base import Batch, Objective, Phase, Task
from tutelage.training.mesh import LONE, Mesh

__all__ = ["Report", "Step", "StepOptions", "Update"]

Precision = Literal["float32", "bfloat16"]
MAX_CONSTANTS = 64
"""Numbers kept on the device. Equal batches need one for each phase; weights that differ in each batch must not pile up."""


@dataclass(frozen=True, slots=True)
class StepOptions:
    """How a step computes.

    Attributes:
        device: Where the batch and the model are.
        precision: `bfloat16` computes matrix products and convolutions in bfloat16 (autocast); weights stay float32.
        compile: Compile each phase's objective as one graph (`inductor`), or not (`none`).
        num_micro: Parts a batch is cut into; the gradient is the same, the memory smaller.
        backward: `owned` computes gradients of the phase's own parameters only; `whole` computes all of them and drops the
            others: the same bits, more work. Parameters split by `fully_shard` need it: with the other, torch 2.13 trains
            nothing there and says nothing.
    """

    device: str = "cpu"
    precision: Precision = "float32"
    compile: Literal["none", "inductor", "aot_eager"] = "none"
    num_micro: int = 1
    backward: Literal["owned", "whole"] = "owned"


@dataclass(frozen=True, slots=True)
class Report:
    """What a step tells: sums of this process's part of the batch, on the device, never read by the host between log steps.

    Attributes:
        totals: For each phase that ran, the sum of its loss.
        weights: For each phase that ran, what to divide that by.
        parts: Further sums, over the same weight, by `phase/name`.
    """

    totals: dict[str, Tensor]
    weights: dict[str, Tensor | float]
    parts: dict[str, Tensor]


class Update:
    """A phase's parameters with their optimizer."""

    def __init__(self, name: str, phase: Phase, task: Task) -> None:
        """Collect the parameters that the phase owns and build its optimizer.

        Raises:
            RecipeError: The phase owns nothing that can learn.
        """
        declare_roles(task)
        self.name = name
        self.named: list[NamedParameter] = [
            (key, parameter)
            for key, parameter in task.named_parameters()
            if parameter.requires_grad and key.startswith(phase.owns)
        ]
        if not self.named:
            raise RecipeError(f"phase {name!r} owns no parameter that can learn; it owns names beginning with {phase.owns}.")
        self.parameters = [parameter for _, parameter in self.named]
        owned = {id(parameter) for parameter in self.parameters}
        self.others = [each for each in task.parameters() if each.requires_grad and id(each) not in owned]
        self.optimizer = phase.optim.build(self.named)
        self.schedule = phase.schedule
        self.clip = phase.clip
        for group in self.optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])

    def apply(self, progress: float) -> None:
        """Clip the gradients, set the learning rate for `progress` in [0, 1), update, and drop the gradients."""
        if self.clip:
            clip_norm(self.parameters, limit=self.clip)
        factor = self.schedule.factor(progress)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        self.optimizer.step()
        for parameter in self.parameters:
            parameter.grad = None


class Step:
    """One optimizer step for a whole beat; it is called with a batch and the progress of training."""

    def __init__(self, task: Task, options: StepOptions, *, mesh: Mesh = LONE) -> None:
        """Build the updates of all phases and, if asked, compile their objectives.

        Args:
            task: What is learned, on the device; its weights become those of the first process everywhere.
            options: How to compute.
            mesh: The processes that train together, each on its part of every batch.
        """
        self.task = task
        self.options = options
        self.mesh = mesh
        mesh.spread_([parameter.detach() for parameter in task.parameters()])
        self.updates = {name: Update(name, phase, task) for name, phase in task.phases.items()}
        self._objectives: dict[str, Callable[[Batch], Objective]] = {
            name: self._objective(name, phase) for name, phase in task.phases.items()
        }
        self._autocast = _autocast(options)
        self._constants: dict[float, Tensor] = {}

    def __call__(self, beat: tuple[str, ...], batch: Batch, progress: float) -> Report:
        """Run the phases of a beat on one batch.

        Args:
            beat: Names of phases, in order.
            batch: Tensors on the step's device.
            progress: Steps done / steps planned, in [0, 1).
        """
        totals: dict[str, Tensor] = {}
        weights: dict[str, Tensor | float] = {}
        parts: dict[str, Tensor] = {}
        for name in beat:
            update = self.updates[name]
            objective = self._gradients(name, update, batch)
            update.apply(progress)
            self.task.after_update(name)
            totals[name], weights[name] = objective.total.detach(), objective.weight
            for part, value in objective.parts.items():
                parts[f"{name}/{part}"] = value.detach()
        return Report(totals, weights, parts)

    def _gradients(self, name: str, update: Update, batch: Batch) -> Objective:
        """Leave the gradient of the mean loss in the phase's parameters, and return the summed objective."""
        if self.options.num_micro == 1 and self.mesh.world == 1:
            with self._autocast:
                objective = self._objectives[name](batch)
            self._backward(objective.total, update, scale=self._reciprocal(objective.weight))
            return objective
        sums: Objective | None = None
        for micro in _cut(batch, self.options.num_micro):
            with self._autocast:
                objective = self._objectives[name](micro)
            self._backward(objective.total, update, scale=None)
            sums = objective if sums is None else _add(sums, objective)
        assert sums is not None
        gradients = [parameter.grad for parameter in update.parameters if parameter.grad is not None]
        if not gradients:
            raise RecipeError(
                f"phase {name!r}: its loss reaches none of the parameters that the phase owns, so nothing would be trained. "
                "Parameters that fully_shard has split need StepOptions(backward='whole')."
            )
        torch._foreach_div_(gradients, self._summed(gradients, sums.weight))
        return sums

    def _summed(self, gradients: list[Tensor], weight: Tensor | float) -> Tensor | float:
        """Add gradients up over all processes, in place, and return the sum of their weights."""
        if self.mesh.world == 1:
            return weight
        whole = weight.detach().clone() if isinstance(weight, Tensor) else self._constant(weight).clone()
        self.mesh.sum_([*gradients, whole])
        return whole

    def _backward(self, total: Tensor, update: Update, *, scale: Tensor | None) -> None:
        """Add `scale` times the gradient of `total` to this phase's parameters only."""
        if not update.others:
            torch.autograd.backward(total, scale)
        elif self.options.backward == "owned":
            # What the other parameters would get is not even computed.
            torch.autograd.backward(total, scale, inputs=update.parameters)
        else:
            kept = [parameter.grad for parameter in update.others]
            for parameter in update.others:
                parameter.grad = None
            torch.autograd.backward(total, scale)
            for parameter, gradient in zip(update.others, kept, strict=True):
                parameter.grad = gradient

    def _reciprocal(self, weight: Tensor | float) -> Tensor:
        """Return 1 / weight on the device."""
        return weight.reciprocal() if isinstance(weight, Tensor) else self._constant(1 / weight)

    def _constant(self, number: float) -> Tensor:
        """Return a number on the device; it is sent there once, since sending waits for the device."""
        if number not in self._constants:
            if len(self._constants) == MAX_CONSTANTS:
                del self._constants[next(iter(self._constants))]
            self._constants[number] = torch.tensor(number, device=self.options.device)
        return self._constants[number]

    def _objective(self, name: str, phase: Phase) -> Callable[[Batch], Objective]:
        """Return a phase's objective, compiled where the options say so and autograd allows it."""
        objective = partial(self.task.objective, name)
        if self.options.compile == "none" or phase.order == 2:
            return objective
        return torch.compile(objective, fullgraph=True, dynamic=False, backend=self.options.compile)


def _autocast(options: StepOptions) -> AbstractContextManager[object]:
    """Return the precision's context, made once and entered for every forward pass."""
    if options.precision == "bfloat16":
        return torch.autocast(torch.device(options.device).type, dtype=torch.bfloat16)
    return nullcontext()


def _cut(batch: Batch, num_micro: int) -> list[Batch]:
    """Cut a batch into at most `num_micro` parts of nearly equal size."""
    num_micro = max(1, min(num_micro, max(len(value) for value in batch.values())))
    pieces = {key: value.tensor_split(num_micro) for key, value in batch.items()}
    cuts = [{key: piece[i] for key, piece in pieces.items()} for i in range(num_micro)]
    # Of several processes one may get no row of a short batch: it still adds its zeros.
    return [cut for cut in cuts if len(next(iter(cut.values())))] or [batch]


def _add(left: Objective, right: Objective) -> Objective:
    """Add two objectives of the same phase."""
    parts = {key: left.parts[key].detach() + value.detach() for key, value in right.parts.items()}
    return Objective(left.total.detach() + right.total.detach(), left.weight + right.weight, parts)
