"""A trained network as it answers: finish the compact batch, run the network, turn its outputs into answers, calibrate.

This one module is what evaluation, prediction, export, serving and teaching use, so they cannot disagree.
"""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.memory import is_out_of_memory, out_of_memory
from tutelage.data.rows.base import Rows
from tutelage.task.base import Batch, TaskSpec
from tutelage.task.modes import evaluation_mode

__all__ = ["Answering", "answer_batches"]

POOL_BATCHES = 64
"""Batches whose rows are sorted by length together, and whose answers are kept until all of them are there."""


class Answering(nn.Module):
    """Finisher, network, answer and calibrator as one: a compact batch in, answers float32 [B, ...] out."""

    def __init__(
        self,
        finisher: nn.Module,
        network: nn.Module,
        *,
        task: TaskSpec,
        input_names: tuple[str, ...],
        calibrator: nn.Module | None = None,
        mirrored: Mapping[str, int] | None = None,
    ) -> None:
        """Put the pieces together; the network is not copied.

        Args:
            finisher: Turns a compact batch into what the network takes.
            network: Takes the tensors named in `input_names`, in that order.
            task: Turns outputs into answers.
            input_names: The tensors that the network takes.
            calibrator: Takes answers and returns better ones; None where answers stay as they are.
            mirrored: Tensors whose mirror images are answered for too, each with the dimension that is turned around; the mean
                of both answers leaves.
        """
        super().__init__()
        self.finisher = finisher
        self.network = network
        self.input_names = input_names
        self.calibrator = calibrator
        self.mirrored = dict(mirrored or {})
        self._task = task

    def forward(self, batch: Batch) -> Tensor:
        """Return answers, float32, in the units of the task: probabilities [B, C], standardized numbers [B] ..."""
        # Normalizing is not a matrix product: it keeps its full precision, as it had in training.
        device = next(iter(batch.values())).device.type
        # A graph that leaves the house computes in full precision throughout, and has no such regions.
        with nullcontext() if torch.compiler.is_exporting() else torch.autocast(device, enabled=False):
            finished = self.finisher(batch)
        return self.of_finished(finished)

    def of_finished(self, finished: Batch) -> Tensor:
        """Return answers for a batch as the network takes it: what a teacher is asked for rows that its student sees changed."""
        answers = self._answered(finished)
        if self.mirrored:
            mirror = {name: finished[name].flip(dimension) for name, dimension in self.mirrored.items()}
            answers = (answers + self._answered({**finished, **mirror})) / 2
        return answers if self.calibrator is None else self.calibrator(answers)

    def _answered(self, finished: Batch) -> Tensor:
        """Return answers for finished tensors, float32."""
        outputs = self.network(*[finished[name] for name in self.input_names]).float()
        return self._task.answer(outputs, num_members=getattr(self.network, "num_members", 1))


def answer_batches(
    answering: nn.Module, rows: Rows, *, batch_size: int = 512, device: str = "cpu", precision: str = "float32"
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield row numbers int64 [B], ascending, and answers float32 [B, ...] on the CPU, with the module in evaluation mode.

    Args:
        answering: What answers; it is put into evaluation mode, and back when all rows are done.
        rows: Prepared rows. Those of unequal length are computed in batches of like lengths, `POOL_BATCHES` batches at a time,
            and so their answers have to be of one shape.
        batch_size: Rows at a time, fewer where the memory does not suffice; no influence on the answers beyond rounding.
        device: Where the module is.
        precision: `bfloat16` computes as such a training did.
    """
    with evaluation_mode(answering):
        for begin in range(0, len(rows), batch_size * POOL_BATCHES):
            numbers = torch.arange(begin, min(begin + batch_size * POOL_BATCHES, len(rows)))
            if rows.lengths is None:
                for own in torch.split(numbers, batch_size):
                    yield own, _within_memory(answering, rows, own, device=device, precision=precision)
                continue
            order = torch.from_numpy(np.argsort(rows.lengths[numbers.numpy()], kind="stable"))
            found = [
                _within_memory(answering, rows, own, device=device, precision=precision)
                for own in torch.split(numbers[order], batch_size)
            ]
            yield from zip(
                torch.split(numbers, batch_size), torch.split(torch.cat(found)[order.argsort()], batch_size), strict=True
            )


def _within_memory(answering: nn.Module, rows: Rows, numbers: Tensor, *, device: str, precision: str) -> Tensor:
    """Return the answers for some rows; where the memory does not suffice, for one half after the other.

    Raises:
        OutOfMemoryError: It does not suffice for a single row.
    """
    try:
        return _answers(answering, rows.take(numbers), device=device, precision=precision)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        found = str(error)
    # Outside of the handler: its frames hold what filled the memory.
    if len(numbers) == 1:
        raise out_of_memory(found, doing="computing the answer for a single row")
    halves = [_within_memory(answering, rows, half, device=device, precision=precision) for half in numbers.tensor_split(2)]
    return torch.cat(halves)


@torch.no_grad()
def _answers(answering: nn.Module, compact: Batch, *, device: str, precision: str) -> Tensor:
    """Return the answers for a compact batch, float32 on the CPU."""
    batch = {name: tensor.to(device) for name, tensor in compact.items()}
    with torch.autocast(torch.device(device).type, dtype=torch.bfloat16) if precision == "bfloat16" else nullcontext():
        answers: Tensor = answering(batch)
    return answers.float().cpu()
