"""Whether a faster way computes the same: loss and gradient on real batches, the same weights, beside those of the plain way."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.run.candidate import Candidate
from tutelage.task.base import Batch

__all__ = ["CHECKED", "adds_up", "holds", "quality"]

LEAST_COSINE, MOST_LOSS_DIFFERENCE = 0.99, 0.02
"""Where bfloat16 counts as good: the direction of the gradient, and the loss, on each of some batches."""
CHECKED = 2
"""Batches on which that is looked at."""
MOST_ROUNDING = 1e-3
"""Relative difference that another order of adding may make of a gradient in float32; what it makes is about 1e-6."""
UNUSABLE = {"cosine": -1.0, "loss_difference": 1e9}
DRAWING = (nn.modules.dropout._DropoutNd, nn.MultiheadAttention, nn.RNNBase)
"""Layers of torch that act otherwise in training only by leaving out units at random."""


def holds(found: Mapping[str, float]) -> bool:
    """Tell whether a lower precision may be used."""
    return found["cosine"] >= LEAST_COSINE and found["loss_difference"] <= MOST_LOSS_DIFFERENCE


def quality(plain: Candidate, other: Candidate) -> dict[str, float]:
    """Return how gradient and loss in another precision compare with the plain ones; where that fails, what does not hold."""
    plain.composed.state.task.train()
    cosines, differences = [], []
    try:
        for _ in range(CHECKED):
            batch = plain.batch()
            loss, gradient = _gradient(plain, [batch])
            with other.composed.state.step.autocast:
                near, rounded = _gradient(plain, [batch])
            cosines.append(float(nn.functional.cosine_similarity(gradient, rounded, dim=0)))
            differences.append(abs(near - loss) / max(abs(loss), 1e-6))
    except Exception:  # the border: an own module may fail in any way in another type
        return UNUSABLE
    finite = all(np.isfinite([*cosines, *differences]))
    return {"cosine": min(cosines), "loss_difference": max(differences)} if finite else UNUSABLE


def adds_up(plain: Candidate, num_micro: int) -> bool:
    """Tell whether a batch in parts gives the gradient of the whole one: not where rows are looked at together.

    Layers that leave out units at random are told not to while this is asked: other rows of numbers would be drawn for parts.
    """
    state = plain.composed.state
    if state.step.has_batch_norm:
        return False
    task = state.task.train()
    for part in task.modules():
        if isinstance(part, DRAWING):
            part.eval()
    try:
        batch = plain.batch()
        pieces = {name: value.tensor_split(num_micro) for name, value in batch.items()}
        parts = [{name: piece[place] for name, piece in pieces.items()} for place in range(num_micro)]
        whole, split = _gradient(plain, [batch])[1], _gradient(plain, parts)[1]
    except Exception:  # the border: as above
        return False
    finally:
        task.train()
    return bool((whole - split).norm() <= MOST_ROUNDING * whole.norm())


def _gradient(candidate: Candidate, parts: Sequence[Batch]) -> tuple[float, Tensor]:
    """Return the mean loss of a batch and its gradient as one vector, float32; what layers draw is the same each time."""
    state = candidate.composed.state
    phase = state.task.usual_beat(0)[0]
    parameters = state.step.updates[phase].parameters
    torch.manual_seed(0)
    total, weight, summed = 0.0, 0.0, [torch.zeros_like(own, dtype=torch.float32) for own in parameters]
    for part in parts:
        candidate.num_rows += max((len(value) for value in part.values() if value.dim()), default=0)
        objective = state.task.objective(phase, part)
        gradients: Sequence[Tensor | None] = torch.autograd.grad(objective.total, parameters, allow_unused=True)
        for held, gradient in zip(summed, gradients, strict=True):
            if gradient is not None:
                held += gradient.float()
        total, weight = total + float(objective.total.detach()), weight + float(objective.weight)
    return total / weight, torch.cat([each.reshape(-1) for each in summed]) / weight
