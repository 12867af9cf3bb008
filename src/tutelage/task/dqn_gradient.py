"""The loss of DQN with its gradient in closed form, for a small network on the CPU: the same numbers, without autograd.

Source: Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015, algorithm 1, with Huber's loss;
van Hasselt et al., "Deep Reinforcement Learning with Double Q-learning", 2015, arXiv 1509.06461, equation 4.
Differs from autograd: the order in which numbers are added up, in the last digits. Shapes: B = samples, O = numbers seen.
"""

import numpy as np
import torch
from torch import Tensor

from tutelage.model.layers.small_net import SmallNet
from tutelage.task.objective import Batch, Gradients, Objective

__all__ = ["DqnGradient"]


class DqnGradient:
    """Computes the objective together with its gradient."""

    def __init__(self, q: SmallNet, target: SmallNet, *, is_double: bool) -> None:
        """Take both networks over; `is_double`: one chooses the next action, and the other says its worth."""
        self._q, self._target, self._is_double = q, target, is_double
        self._gradients = Gradients(q.parameters)

    def __call__(self, seen_BO: Tensor, next_BO: Tensor, batch: Batch) -> tuple[Objective, Gradients]:
        """Return the summed loss and its gradient, for scaled observations."""
        with np.errstate(all="ignore"):
            return self._computed(seen_BO, next_BO, batch)

    def _computed(self, seen_BO: Tensor, next_BO: Tensor, batch: Batch) -> tuple[Objective, Gradients]:
        """Do it, whatever overflows."""
        rows, action_B = np.arange(len(seen_BO)), batch["action"].numpy()
        next_BA = self._target(next_BO).numpy()
        chosen_B = (self._q(next_BO).numpy() if self._is_double else next_BA).argmax(axis=1)
        target_B = batch["reward"].numpy() + batch["discount"].numpy() * next_BA[rows, chosen_B]
        outputs, kept = self._q.forward(seen_BO)
        estimate_B = outputs.numpy()[rows, action_B]
        error_B = estimate_B - target_B
        # Huber: a parabola within 1 of 0, a straight line beyond.
        slope_B = np.minimum(np.maximum(error_B, np.float32(-1)), np.float32(1))
        loss_B = slope_B * (error_B - np.float32(0.5) * slope_B)
        weight, count = batch.get("weight"), float(len(error_B))
        if weight is not None:
            weight_B = weight.numpy()
            count = max(float(np.count_nonzero(weight_B > 0)), 1.0)
            slope_B, loss_B, estimate_B = slope_B * weight_B, loss_B * weight_B, estimate_B * weight_B
        by_outputs_BA = np.zeros_like(next_BA)
        by_outputs_BA[rows, action_B] = slope_B
        self._q.backward(torch.from_numpy(by_outputs_BA), kept, into=self._gradients.parts)
        total, worth = torch.tensor([np.add.reduce(loss_B), np.add.reduce(estimate_B)], dtype=torch.float32).unbind()
        return Objective(total, count, {"worth": worth}), self._gradients
