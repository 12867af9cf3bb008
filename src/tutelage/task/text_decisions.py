"""Which token language models find most probable at each place of a stretch: where two of them agree.

Shape letters: B pieces, T tokens of a piece, N tokens of a stretch.
"""

from collections.abc import Sequence

import numpy as np
from torch import Tensor, nn

from tutelage.data.rows.pieces import PieceRows
from tutelage.task.answering import answer_batches
from tutelage.task.base import Batch
from tutelage.task.teachable import Answers, ComparesAnswers

__all__ = ["most_probable"]

BATCH_SIZE = 64
"""Pieces at a time."""


def most_probable(spec: ComparesAnswers, rows: PieceRows, models: Sequence[Answers]) -> np.ndarray:
    """Return the token that models find most probable together, int64 [N], for each but the first of a stretch.

    Args:
        spec: Says how the answers of several are pooled.
        rows: The stretch in pieces that overlap: of each only what is new counts.
        models: Language models that read the same tokens.
    """
    first = models[0]
    together = MostProbable(spec, [model.module for model in models])
    batches = answer_batches(together, rows, batch_size=BATCH_SIZE, device=first.device, precision=first.precision)
    found = [
        token_T[-new:]
        for numbers, token_BT in batches
        for token_T, new in zip(token_BT.numpy(), rows.num_new[numbers.numpy()], strict=True)
    ]
    return np.concatenate(found).astype(np.int64)


class MostProbable(nn.Module):
    """The most probable tokens [B, T] by the pooled answers of several modules, so that [B, T, V] never leaves the device."""

    def __init__(self, spec: ComparesAnswers, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.answering = nn.ModuleList(modules)
        self._spec = spec

    def forward(self, batch: Batch) -> Tensor:
        """Return int64 [B, T]."""
        return self._spec.pooled([answering(batch) for answering in self.answering]).argmax(dim=-1)
