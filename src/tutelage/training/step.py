"""The one training step: micro-batches, objective, backward, clip, optimizer, upkeep, for each phase of the beat."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from tutelage.core.errors import RecipeError
from tutelage.core.memory import is_out_of_memory, out_of_memory
from tutelage.task.base import Batch, Objective, Phase, Task
from tutelage.task.objective import WithGradients
from tutelage.training.before import Before, least_rows
from tutelage.training.finite import are_finite, mark_unfinite
from tutelage.training.freed_memory import free_memory
from tutelage.training.mesh import LONE, Mesh
from tutelage.training.update import Update

__all__ = ["Report", "Step", "StepOptions"]

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
        num_micro: Parts a batch is cut into at first; the gradient is the same, the memory smaller.
        refuse: Who drops an update whose loss or gradient is not finite: the `host` at once, or the `device`, for which the host
            does not wait; `auto` is the host for a CPU, the device else.
        backward: `owned` computes gradients of the phase's own parameters only; `whole` computes all of them and drops the
            others: the same bits, more work. Parameters split by `fully_shard` need it: with the other, torch 2.13 trains
            nothing there and says nothing.
    """

    device: str = "cpu"
    precision: Precision = "float32"
    compile: Literal["none", "inductor", "aot_eager"] = "none"
    num_micro: int = 1
    backward: Literal["owned", "whole"] = "owned"
    refuse: Literal["auto", "host", "device"] = "auto"


@dataclass(frozen=True, slots=True)
class Report:
    """What a step tells: sums of this process's part of the batch, on the device, never read by the host between log steps.

    Attributes:
        totals: For each phase that ran, the sum of its loss.
        weights: For each phase that ran, what to divide that by.
        parts: Further sums, over the same weight, by `phase/name`.
        refused: Whether an update was refused, in all processes alike: its phase adds nothing to the sums. float32 [] of 0 or 1
            where only the device knows.
    """

    totals: dict[str, Tensor]
    weights: dict[str, Tensor | float]
    parts: dict[str, Tensor]
    refused: bool | Tensor = False


class Step:
    """One optimizer step for a whole beat; it is called with a batch and the progress of training.

    An update whose loss or gradient is not finite is not made: weights, moments, counts, averages and buffers stay as they were.

    Attributes:
        num_micro: Parts that a batch is cut into; doubled where a step does not fit into the memory.
        evidence: Phase and batch of the update that was refused last in the latest step, where the host knows.
    """

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
        self.num_micro = options.num_micro
        self.evidence: tuple[str, Batch] | None = None
        is_on_cpu = torch.device(options.device).type == "cpu"
        self._is_host_asked = options.refuse == "host" or (options.refuse == "auto" and is_on_cpu)
        self._nothing_refused: bool | Tensor = False if self._is_host_asked else torch.zeros((), device=options.device)
        self._before = Before(task, options.device)
        self._least_rows = least_rows(task)
        self._mark = torch.zeros((), device=options.device)
        self._objectives: dict[str, Callable[[Batch], Objective]] = {
            name: self._objective(name, phase) for name, phase in task.phases.items()
        }
        self._autocast = _autocast(options)
        self._known = {} if not _may_know(task, options, mesh) else _known(task)
        self._constants: dict[float, Tensor] = {}
        self._has_moments: set[str] = set()
        # What was not finite from the start, such as a mask among the weights of somebody's module, says nothing later on.
        self._began_finite = [parameter for parameter in task.parameters() if are_finite([parameter])]

    def __call__(self, beat: tuple[str, ...], batch: Batch, progress: float, *, rate: float = 1.0) -> Report:
        """Run the phases of a beat on one batch.

        Args:
            beat: Names of phases, in order.
            batch: Tensors on the step's device.
            progress: Steps done / steps planned, in [0, 1).
            rate: A factor on the planned learning rate.

        Raises:
            OutOfMemoryError: Not even the smallest micro-batches fit into the memory, or the optimizer's moments do not.
        """
        totals: dict[str, Tensor] = {}
        weights: dict[str, Tensor | float] = {}
        parts: dict[str, Tensor] = {}
        self.evidence, is_any_refused = None, self._nothing_refused
        for name in beat:
            update = self.updates[name]
            if name not in self._known:
                # What a task computes by itself changes no buffer and draws nothing.
                self._before.keep()
            objective = self._within_memory(name, update, batch)
            refused = self._refused(update, objective)
            self._apply(update, progress, rate=rate, refused=refused)
            if isinstance(refused, Tensor):
                self._before.put_back_buffers(refused > 0)
                self.task.after_update(name, 1 - refused)
                is_any_refused = torch.maximum(refused, torch.as_tensor(is_any_refused, device=refused.device))
            elif refused:
                if name not in self._known:
                    self._before.put_back_buffers()
                self.evidence, is_any_refused = (name, batch), True
            else:
                self.task.after_update(name)
            objective = _counted(objective, refused)
            totals[name], weights[name] = objective.total, objective.weight
            for part, value in objective.parts.items():
                parts[f"{name}/{part}"] = value
        return Report(totals, weights, parts, is_any_refused)

    @property
    def knows_at_once(self) -> bool:
        """Whether the host knows at each step whether an update was refused; else the device alone does."""
        return self._is_host_asked

    @property
    def closed_phases(self) -> tuple[str, ...]:
        """The phases whose gradients the task computes by itself, without autograd."""
        return tuple(self._known)

    @property
    def has_batch_norm(self) -> bool:
        """Whether a layer looks at several rows together, so that the size of a micro-batch matters."""
        return self._least_rows > 1

    @property
    def checked_buffers(self) -> list[Tensor]:
        """The buffers that have to stay finite."""
        return self._before.checked

    @property
    def checked_parameters(self) -> list[Tensor]:
        """The weights that have to stay finite."""
        return [parameter.detach() for parameter in self._began_finite]

    @property
    def autocast(self) -> AbstractContextManager[object]:
        """The precision's context, in which objectives are computed."""
        return self._autocast

    def _within_memory(self, name: str, update: Update, batch: Batch) -> Objective:
        """Leave the gradient in the phase's parameters; where the memory does not suffice, in twice as many micro-batches."""
        while True:
            found = ""
            try:
                objective = self._gradients(name, update, batch)
                shared, weight = self._to_share(name, update, objective)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                found = str(error) or "out of memory"
            # Outside of the handler: its frames hold what filled the memory. One process's lack is everybody's: all do it again.
            if not self.mesh.total(int(bool(found))):
                if shared is not None:
                    self.mesh.sum_(*shared)
                    self._mark.clamp_(max=1)
                if not self._is_whole:
                    torch._foreach_div_(update.gradients, weight)
                return objective
            self._divide(name, update, batch, found)

    def _divide(self, name: str, update: Update, batch: Batch, found: str) -> None:
        """Put back what the attempt has changed, and cut batches into twice as many parts from now on."""
        for parameter in update.parameters:
            parameter.grad = None
        if name not in self._known:
            self._before.put_back_buffers()
            self._before.put_back_random()
        free_memory()
        rows = len(next(iter(batch.values())))
        if self.mesh.total(int(self.num_micro * self._least_rows >= rows)):
            doing = f"computing the gradient of phase {name!r} for {rows} rows in {self.num_micro} parts, the most there can be"
            raise out_of_memory(found, doing=doing)
        self.num_micro *= 2

    def _gradients(self, name: str, update: Update, batch: Batch) -> Objective:
        """Leave this process's gradient in the phase's parameters, and return the summed objective.

        The gradient is that of the mean loss where the batch is neither cut nor shared, else of the sum, still to be divided.
        """
        if self._is_whole:
            return self._objective_of(name, update, batch, is_whole=True)
        sums: Objective | None = None
        for micro in _cut(batch, self.num_micro, least=self._least_rows):
            objective = self._objective_of(name, update, micro, is_whole=False)
            sums = objective if sums is None else _add(sums, objective)
        assert sums is not None
        return sums

    def _objective_of(self, name: str, update: Update, batch: Batch, *, is_whole: bool) -> Objective:
        """Return the objective, and add its gradient: of the mean where the batch is whole, else of the sum."""
        if name in self._known:
            objective, gradients = self._known[name](batch)
            update.take(gradients, self._reciprocal(objective.weight) if is_whole else None)
            return objective
        with self._autocast:
            objective = self._objectives[name](batch)
        self._backward(objective.total, update, scale=self._reciprocal(objective.weight) if is_whole else None)
        return objective

    @property
    def _is_whole(self) -> bool:
        """Whether a batch is neither cut nor shared."""
        return self.num_micro == 1 and self.mesh.world == 1

    def _to_share(
        self, name: str, update: Update, objective: Objective
    ) -> tuple[tuple[list[Tensor], list[Tensor]] | None, Tensor | float]:
        """Return what is to be added up over all processes, with its copies, and what the gradients are divided by after that."""
        self._mark, weight = torch.zeros((), device=self.options.device), objective.weight
        if self._is_whole:
            return None, weight
        gradients = update.gradients
        if not gradients:
            raise RecipeError(
                f"phase {name!r}: its loss reaches none of the parameters that the phase owns, so nothing would be trained. "
                "Parameters that fully_shard has split need StepOptions(backward='whole')."
            )
        if self.mesh.world == 1:
            return None, weight
        weight = weight.detach().clone() if isinstance(weight, Tensor) else self._constant(weight).clone()
        # What a process sees alone travels with the gradients, so that all refuse the same steps.
        mark_unfinite([objective.total, *self._before.checked], self._mark, self._constant(1.0))
        summands = [*gradients, weight, self._mark]
        return (summands, self.mesh.copies(summands)), weight

    def _apply(self, update: Update, progress: float, *, rate: float, refused: bool | Tensor) -> None:
        """Make an update; the first one makes the moments, and all processes have to have room for them."""
        if self.mesh.world == 1 or update.name in self._has_moments:
            update.apply(progress, rate=rate, refused=refused)
            return
        doing = f"updating the weights of phase {update.name!r}: the model and its optimizer do not fit"
        self.mesh.together(lambda: update.apply(progress, rate=rate, refused=refused), doing=doing)
        if not bool(refused):
            self._has_moments.add(update.name)

    def _refused(self, update: Update, objective: Objective) -> bool | Tensor:
        """Tell whether the update must not be made: a loss, a gradient or a buffer is not finite, in whichever process."""
        beside = [objective.total.detach(), *self._before.checked_flat] if self.mesh.world == 1 else []
        update.check(beside, self._mark, self._constant(1.0), is_host_asked=self._is_host_asked)
        if update.is_split:
            # Each process holds other gradients, or other parts of them.
            return self.mesh.total(int(self._mark.item() > 0)) > 0
        return self._mark.item() > 0 if self._is_host_asked else self._mark

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
        # Rows of unequal length come in batches of many lengths: the second one makes the length a variable of the graph.
        return _told(torch.compile(objective, fullgraph=True, dynamic=None, backend=self.options.compile))


def _may_know(task: Task, options: StepOptions, mesh: Mesh) -> bool:
    """Tell whether a task may compute gradients by itself: on the CPU, in one process, and nothing is compiled."""
    is_on_cpu = torch.device(options.device).type == "cpu"
    return is_on_cpu and mesh.world == 1 and options.precision in task.closed_precisions and options.compile == "none"


def _known(task: Task) -> dict[str, WithGradients]:
    """Return what computes objectives with their gradients, for the phases that have such."""
    found = {name: task.with_gradients(name) for name in task.phases}
    return {name: known for name, known in found.items() if known is not None}


def _autocast(options: StepOptions) -> AbstractContextManager[object]:
    """Return the precision's context, made once and entered for every forward pass."""
    if options.precision == "bfloat16":
        return torch.autocast(torch.device(options.device).type, dtype=torch.bfloat16)
    return nullcontext()


def _told(compiled: Callable[[Batch], Objective]) -> Callable[[Batch], Objective]:
    """Say what to do where compiling fails: a compiler is a program of its own, with needs of its own."""
    # Takes a second, and is there by now.
    from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException

    def call(batch: Batch) -> Objective:
        try:
            return compiled(batch)
        except (TorchDynamoException, FailOnRecompileLimitHit) as error:
            if is_out_of_memory(error):
                raise
            first = str(error).strip().partition("\n")[0]
            raise RecipeError(f"recipe: compile: torch could not compile the model: {first}. Write compile = 'none'.") from error

    return call


def _cut(batch: Batch, num_micro: int, *, least: int = 1) -> list[Batch]:
    """Cut a batch into at most `num_micro` parts of nearly equal size, and of at least `least` rows."""
    num_parts = max(1, min(num_micro, max(len(value) for value in batch.values()) // least))
    pieces = {key: value.tensor_split(num_parts) for key, value in batch.items()}
    cuts = [{key: piece[i] for key, piece in pieces.items()} for i in range(num_parts)]
    # Of several processes one may get no row of a short batch: it still adds its zeros.
    return [cut for cut in cuts if len(next(iter(cut.values())))] or [batch]


def _counted(objective: Objective, refused: bool | Tensor) -> Objective:
    """Return what the ledger adds: nothing where the update was refused."""
    total, weight, parts = objective.total.detach(), objective.weight, objective.parts
    if isinstance(refused, Tensor):
        is_bad = refused > 0
        kept = {key: torch.where(is_bad, 0.0, value.detach()) for key, value in parts.items()}
        return Objective(torch.where(is_bad, 0.0, total), (1 - refused) * weight, kept)
    if refused:
        zeros = {key: torch.zeros_like(value) for key, value in parts.items()}
        return Objective(torch.zeros_like(total), 0.0, zeros)
    return Objective(total, weight, {key: value.detach() for key, value in parts.items()})


def _add(left: Objective, right: Objective) -> Objective:
    """Add two objectives of the same phase."""
    parts = {key: left.parts[key].detach() + value.detach() for key, value in right.parts.items()}
    return Objective(left.total.detach() + right.total.detach(), left.weight + right.weight, parts)
