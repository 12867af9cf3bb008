"""A row with its label, alone: what a task that learns from labels shows of it."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.change import say_value
from tutelage.data.target.base import Target
from tutelage.loss.base import Loss
from tutelage.task.example import Example, Told
from tutelage.task.rows import PreparedPart, RowsData, prepare_rows

__all__ = ["Judge", "row_example"]

MAX_CLASSES = 10
"""Classes whose outputs are told: the most probable ones, and the right one."""


class Judge(Protocol):
    """What a task with labels says of outputs."""

    def answer(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Turn outputs into answers."""


def row_example(
    judge: Judge,
    loss: Loss,
    data: RowsData,
    finisher: nn.Module,
    wanted: str | RowsPart,
    row: int,
    *,
    class_weights: Sequence[float] = (),
) -> Example:
    """Return one row of a part.

    Args:
        judge: The task.
        loss: Its loss.
        data: What the training learns from.
        finisher: Turns a compact batch into what the network takes.
        wanted: A part's name, or rows of another file.
        row: Its number, from 0.
        class_weights: A factor for each class, where there are such.

    Raises:
        UsageError: There is no such part, or no such row.
        DataError: The row has no label.
    """
    prepared = _prepared(data, wanted, row)
    target, part = data.target, prepared.part
    assert target is not None
    assert part.labels is not None
    assert prepared.target is not None
    batch = finisher(prepared.labelled().take(torch.tensor([row])))
    notes: tuple[str, ...] = ()
    if class_weights:
        weight = class_weights[int(prepared.target[row])]
        notes = (f"Its class counts {weight:.4g} times as much as the average row. The mean of a batch divides by the sum of "
                 "these weights, so for one row alone it changes nothing.",)  # fmt: skip
    return Example(
        where=part.locate(row),
        unit="row",
        shown=part.show(row),
        target=str(part.labels[row]),
        wanted=target.how(part.labels[row : row + 1]),
        changes=data.fitted.changes(part, row),
        inputs=tuple(data.fitted.shape.tensors),
        batch=batch,
        tell=lambda outputs: _tell(judge, loss, target, outputs, batch["target"]),
        notes=notes,
        row=part.select(np.array([row])).renamed("input"),
    )


def _prepared(data: RowsData, wanted: str | RowsPart, row: int) -> PreparedPart:
    """Return the part that holds the row."""
    if isinstance(wanted, RowsPart):
        if wanted.labels is None:
            found = "there is no label, so there is no loss to explain"
            raise DataError([DataProblem(wanted.name, found, "Give a file with the target column.")])
        name, prepared = "the file", prepare_rows(wanted, data.fitted, target=data.target)
    else:
        parts = data.parts()
        if wanted not in parts:
            raise UsageError(f"part {wanted!r}: this run has {', '.join(parts)}.")
        name, prepared = f"the {wanted} part", parts[wanted]
    if not 0 <= row < len(prepared):
        raise UsageError(f"row {row + 1}: {name} has the rows 1 to {len(prepared):,}.")
    return prepared


def _tell(judge: Judge, loss: Loss, target: Target, outputs: Tensor, target_1: Tensor) -> Told:
    """Read the outputs for one row: [1, O], [1], or of members [1, M, O]."""
    members = outputs.shape[1] if outputs.dim() == 3 else 1
    answer = judge.answer(outputs, num_members=members).detach()
    flat_MO = (outputs[:, None] if outputs.dim() == 1 else outputs.flatten(0, -2)).detach()
    sums = loss.worked(flat_MO[:1], target_1)
    if members > 1:
        values = loss.build()(flat_MO, target_1.repeat(members))
        mean = f"mean of the losses of the {members} members of the network = {float(values.mean()):.4g}"
        lines = [f"the first member: {sums}" if sums else "", mean]
    else:
        lines = [sums]
    told = _tell_classes if target.classes else _tell_number
    title, headers, rows, said, numbers = told(target, flat_MO, answer, target_1)
    return Told(title, headers, rows, said, tuple(line for line in lines if line), numbers)


Table = tuple[str, tuple[str, ...], list[list[str]], str, dict[str, Any]]


def _tell_classes(target: Target, flat_MO: Tensor, answer_1C: Tensor, target_1: Tensor) -> Table:
    """Return one row for each class: output and probability."""
    right, probability_C = int(target_1[0]), answer_1C[0]
    order = probability_C.argsort(descending=True).tolist()
    chosen = order[:MAX_CLASSES] + ([right] if right not in order[:MAX_CLASSES] else [])
    outputs_O = flat_MO.mean(0)
    is_single, num_members = len(outputs_O) == 1, len(flat_MO)
    rows = [
        [
            str(target.classes[code]) + (" (right)" if code == right else ""),
            ("" if code == 0 else say_value(float(outputs_O[0]))) if is_single else say_value(float(outputs_O[code])),
            f"{float(probability_C[code]):.4f}",
        ]
        for code in chosen
    ]
    guess, found = target.classes[order[0]], float(probability_C[right])
    of = "sigmoid" if is_single else "softmax"
    hit = "which is right" if order[0] == right else f"which is wrong: it is {target.classes[right]}"
    answer = f"{guess} with probability {float(probability_C[order[0]]):.4f}, {hit} (probability of the right class {found:.4f})"
    mean = f" (mean of {num_members} members)" if num_members > 1 else ""
    numbers = {
        "outputs": outputs_O.tolist(),
        "probabilities": {str(name): float(value) for name, value in zip(target.classes, probability_C, strict=False)},
    }
    title = f"From outputs to probabilities, by {of}"
    return title, ("class", f"output{mean}", "probability"), rows, answer, numbers


def _tell_number(target: Target, flat_MO: Tensor, answer_1: Tensor, target_1: Tensor) -> Table:
    """Return output and target, standardized and in the user's unit."""
    scaled = np.array([float(answer_1.flatten()[0]), float(target_1[0])])
    output, wanted = (float(value) for value in target.decode(scaled.astype(np.float64)))
    rows = [
        ["output", say_value(scaled[0]), f"{output:.6g}"],
        ["target", say_value(scaled[1]), f"{wanted:.6g}"],
        ["error", say_value(scaled[0] - scaled[1]), f"{output - wanted:.6g}"],
    ]
    side = "high" if output > wanted else "low"
    answer = f"{output:,.6g}; it is {wanted:,.6g}, so the answer is {_amount(abs(output - wanted))} too {side}"
    numbers = {"output": float(scaled[0]), "target": float(scaled[1]), "output_units": output, "target_units": wanted}
    return "Output and target", ("", "standardized", "in units of the target"), rows, answer, numbers


def _amount(value: float) -> str:
    """Write an amount with about four digits, and never as a power of ten where it need not be."""
    return f"{value:,.0f}" if 1e4 <= value < 1e15 else say_value(value)
