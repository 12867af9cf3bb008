"""Why an update was refused: the batch is looked at once more, and the layer and the rows are named.

It changes nothing: random numbers, buffers and modes are put back, and no gradient is left.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tutelage.core.memory import is_out_of_memory
from tutelage.task.base import Batch, Task
from tutelage.task.modes import evaluation_mode
from tutelage.training.before import Before
from tutelage.training.finite import are_finite
from tutelage.training.update import Update

__all__ = ["explain"]

MOST_ROWS = 3
"""Rows that are named."""


def explain(task: Task, update: Update, batch: Batch, *, say_row: Callable[[int], str]) -> str:
    """Say where in the network, and in which rows, the first number was not finite.

    Args:
        task: What is learned.
        update: The phase whose update was refused.
        batch: On which it was.
        say_row: Names a row of the batch, by its place in it.
    """
    device = next(iter(batch.values())).device
    try:
        with _untouched(task, str(device)):
            # One that does not learn is as it was given: a mask may be infinite.
            learning = [(name, each) for name, each in task.named_parameters() if each.requires_grad]
            weights = [name for name, parameter in learning if not are_finite([parameter])]
            if weights:
                return f"the weights {_name(weights[0])} are not finite themselves"
            where = _inputs(batch) or _layer(task, update, batch)
            rows = [say_row(row) for row in _rows(task, update.name, batch)]
            return "; ".join(filter(None, [where, f"in {', '.join(rows)}" if rows else ""]))
    except Exception as error:  # the border: a model of somebody else's, looked at only to say more
        return "" if is_out_of_memory(error) else f"looking for the layer ended in {type(error).__name__}: {error}"


@contextmanager
def _untouched(task: Task, device: str) -> Iterator[None]:
    """Put everything back that looking changes."""
    before = Before(task, device)
    gradients = [(parameter, parameter.grad) for parameter in task.parameters()]
    try:
        yield
    finally:
        before.put_back_buffers()
        before.put_back_random()
        for parameter, gradient in gradients:
            parameter.grad = gradient


def _inputs(batch: Batch) -> str:
    """Name the tensor of the batch that holds a number that is not finite."""
    for name, tensor in batch.items():
        if not are_finite([tensor]):
            return f"the data themselves ({name!r} of the batch) hold a number that is not finite, or too large for a float32"
    return ""


def _layer(task: Task, update: Update, batch: Batch) -> str:
    """Name the first module whose output is not finite, or else the weights whose gradient is not."""
    found: list[str] = []

    def look(name: str) -> Callable[[nn.Module, object, object], None]:
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            if not are_finite(_tensors(output)):
                found.append(name)

        return hook

    hooks = [part.register_forward_hook(look(name)) for name, part in task.named_modules() if name]
    try:
        objective = task.objective(update.name, batch)
    finally:
        for each in hooks:
            each.remove()
    if found:
        return f"the first output that is not finite is that of the layer {_name(found[0])}"
    if not are_finite([objective.total]):
        return "the loss itself overflows: every layer's output is finite"
    gradients = torch.autograd.grad(objective.total, update.parameters, allow_unused=True, materialize_grads=True)
    bad = [name for (name, _), each in zip(update.named, gradients, strict=True) if not are_finite([each])]
    return f"the loss is finite, the gradient of {_name(bad[-1])} is not" if bad else ""


@torch.no_grad()
def _rows(task: Task, phase: str, batch: Batch) -> list[int]:
    """Return the places of the first rows that by themselves give a loss that is not finite; none where all do."""
    size = len(next(iter(batch.values())))
    with evaluation_mode(task):

        def is_bad(begin: int, end: int) -> bool:
            part = {name: tensor[begin:end] for name, tensor in batch.items()}
            return not are_finite([task.objective(phase, part).total, *part.values()])

        def search(begin: int, end: int) -> Iterator[int]:
            if is_bad(begin, end):
                if end - begin == 1:
                    yield begin
                    return
                middle = (begin + end) // 2
                yield from search(begin, middle)
                yield from search(middle, end)

        found = []
        for row in search(0, size):
            found.append(row)
            if len(found) > MOST_ROWS:
                break
    is_each = found == list(range(min(size, MOST_ROWS + 1)))
    return [] if is_each else found[:MOST_ROWS]


def _tensors(output: object) -> list[Tensor]:
    """Return the tensors of an output, however it is packed."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        return [tensor for value in output.values() for tensor in _tensors(value)]
    return [tensor for value in output for tensor in _tensors(value)] if isinstance(output, tuple | list) else []


def _name(name: str) -> str:
    """Return a name in quotes."""
    return f"'{name}'"
