"""A training step whose inside is written down: what each layer gave, each gradient, and what the optimizer made of it.

The step is the training's own (`training/step.py`); hooks of torch look on, and change nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tutelage.task.base import Batch, Task
from tutelage.task.modes import evaluation_mode
from tutelage.training.step import Step
from tutelage.training.update import Update

__all__ = ["Call", "Followed", "follow_step", "row_loss"]

MAX_KEPT = 20_000
"""Numbers of an output that are kept for its histogram."""
NUM_FIRST = 5
"""Numbers of an output that are shown."""


@dataclass
class Call:
    """One layer's work.

    Attributes:
        name: Of the module in the network.
        module: The module.
        input_shape: Of its first tensor, without the row.
        output_shape: The same of what it gave.
        first: Its first numbers.
        values: Some of its numbers, evenly spaced, for a histogram.
        mean: Of all its numbers; so are the next four.
        std: Standard deviation.
        low: The least.
        high: The largest.
        zeros: The share of zeros.
        gradient: Norm of the loss's gradient by what it gave; None where none came.
    """

    name: str
    module: nn.Module
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    first: list[float]
    values: list[float]
    mean: float
    std: float
    low: float
    high: float
    zeros: float
    gradient: float | None = None


@dataclass
class Followed:
    """A step, written down.

    Attributes:
        calls: The layers, in the order in which they were done.
        outputs: What the network gave for the row.
        loss_before: Of the row, per sample.
        loss_after: The same after the update.
        gradients: By name of the parameter, as backpropagation left them; a parameter without one is not among them.
        clipped: The same as the optimizer got them.
        weights_before: By name.
        weights_after: By name.
        moments_before: What the optimizer kept of each parameter; {} before its first step.
        moments_after: The same afterwards.
        settings: Of each parameter's group, as they were at the step.
        refused: Whether the update was refused: a number was not finite.
    """

    calls: list[Call] = field(default_factory=list)
    outputs: Tensor | None = None
    loss_before: float = 0.0
    loss_after: float = 0.0
    gradients: dict[str, Tensor] = field(default_factory=dict)
    clipped: dict[str, Tensor] = field(default_factory=dict)
    weights_before: dict[str, Tensor] = field(default_factory=dict)
    weights_after: dict[str, Tensor] = field(default_factory=dict)
    moments_before: dict[str, dict[str, Any]] = field(default_factory=dict)
    moments_after: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: bool = False


def row_loss(task: Task, step: Step, batch: Batch) -> float:
    """Return the loss of a batch per sample, in the step's precision and without dropout."""
    with evaluation_mode(task), torch.no_grad(), step.autocast:
        objective = task.objective(task.usual_beat(0)[0], batch)
        return float(objective.total) / float(objective.weight)


def follow_step(
    task: Task,
    step: Step,
    batch: Batch,
    *,
    network: nn.Module,
    progress: float,
    rate: float = 1.0,
    is_fresh: bool = False,
) -> Followed:
    """Make one step of the task's first beat on a batch, and put everything back as it was.

    Args:
        task: What is learned, with one phase in its beat.
        step: The training's step.
        batch: One row.
        network: The module whose layers are written down; called once by the phase's objective.
        progress: Steps done / steps planned, which the learning rate follows from.
        rate: A factor on that learning rate.
        is_fresh: Whether the optimizer shall have forgotten what came before.
    """
    (phase,) = task.usual_beat(0)
    update, found = step.updates[phase], Followed()
    weights, kept = {key: value.detach().clone() for key, value in task.state_dict().items()}, _moments(update)
    if is_fresh:
        update.begin_anew()
    found.moments_before = _moments(update)
    found.weights_before = _weights(update)
    with evaluation_mode(task):
        found.loss_before = row_loss(task, step, batch)
        with _watched_layers(network, found), _watched_update(update, found):
            report = step((phase,), batch, progress, rate=rate)
        found.refused = bool(report.refused)
    found.weights_after = _weights(update)
    found.moments_after = _moments(update)
    found.settings = _settings(update)
    found.loss_after = row_loss(task, step, batch)
    task.load_state_dict(weights)
    update.begin_anew()
    for name, parameter in update.named:
        # An optimizer that has made no step has no entry for its parameters.
        if kept[name]:
            update.optimizer.state[parameter] = kept[name]
    return found


def _weights(update: Update) -> dict[str, Tensor]:
    """Return a copy of the parameters by name."""
    return {name: parameter.detach().clone() for name, parameter in update.named}


def _moments(update: Update) -> dict[str, dict[str, Any]]:
    """Return a copy of what the optimizer keeps of each parameter."""
    state = update.optimizer.state
    return {
        name: {key: value.clone() if isinstance(value, Tensor) else value for key, value in state.get(parameter, {}).items()}
        for name, parameter in update.named
    }


def _settings(update: Update) -> dict[str, dict[str, Any]]:
    """Return the settings of each parameter's group."""
    names = {id(parameter): name for name, parameter in update.named}
    return {
        names[id(parameter)]: {key: value for key, value in group.items() if key != "params"}
        for group in update.optimizer.param_groups
        for parameter in group["params"]
    }


@contextmanager
def _watched_update(update: Update, found: Followed) -> Iterator[None]:
    """Write down gradients as they come, and as the optimizer takes them."""

    def arrived(name: str) -> Any:
        def note(parameter: Tensor) -> None:
            if parameter.grad is not None:
                found.gradients[name] = parameter.grad.detach().clone()

        return note

    def stepped(_optimizer: Any, _args: Any, _kwargs: Any) -> None:
        for name, parameter in update.named:
            if parameter.grad is not None:
                found.clipped[name] = parameter.grad.detach().clone()

    with ExitStack() as hooks:
        for name, parameter in update.named:
            hooks.callback(parameter.register_post_accumulate_grad_hook(arrived(name)).remove)  # type: ignore[no-untyped-call]
        hooks.callback(update.optimizer.register_step_pre_hook(stepped).remove)
        yield


@contextmanager
def _watched_layers(network: nn.Module, found: Followed) -> Iterator[None]:
    """Write down what each module gives, and the gradients by that."""

    def noted(name: str) -> Any:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            given = _first_tensor(output)
            if given is None:
                return
            call = _call(name, module, _first_tensor(inputs), given)
            found.calls.append(call)
            if given.requires_grad:
                given.register_hook(lambda gradient: setattr(call, "gradient", float(gradient.float().norm())))  # type: ignore[no-untyped-call]
            if module is network:
                found.outputs = given.detach().float()

        return note

    with ExitStack() as hooks:
        for name, module in network.named_modules():
            hooks.callback(module.register_forward_hook(noted(name)).remove)
        yield


def _call(name: str, module: nn.Module, given: Tensor | None, output: Tensor) -> Call:
    """Write down one layer's work."""
    numbers = output.detach().float().flatten()
    every = max(1, -(-len(numbers) // MAX_KEPT))
    return Call(
        name=name,
        module=module,
        input_shape=() if given is None else tuple(given.shape[1:]),
        output_shape=tuple(output.shape[1:]),
        first=numbers[:NUM_FIRST].tolist(),
        values=numbers[::every].tolist(),
        mean=float(numbers.mean()),
        std=float(numbers.std(correction=0)),
        low=float(numbers.min()),
        high=float(numbers.max()),
        zeros=float((numbers == 0).float().mean()),
    )


def _first_tensor(value: object) -> Tensor | None:
    """Return the first tensor with numbers in it that a layer takes or gives."""
    if isinstance(value, Tensor):
        return value if value.numel() else None
    members: Sequence[object] = ()
    if isinstance(value, Mapping):
        members = list(value.values())
    elif isinstance(value, list | tuple):
        members = value
    return next((found for member in members if (found := _first_tensor(member)) is not None), None)
