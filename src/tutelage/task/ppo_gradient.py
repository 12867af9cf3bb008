"""The loss of PPO with its gradient in closed form, for small networks on the CPU: the same numbers, without autograd.

Source: Schulman et al., "Proximal Policy Optimization Algorithms", 2017, arXiv 1707.06347, equations 7 and 9, differentiated by
hand. Differs from autograd: the order in which numbers are added up, in the last digits.
Shapes: B = samples, A = choices, or numbers of an action.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.model.layers.small_net import Room, SmallNet
from tutelage.task.objective import Batch, Gradients, Objective

__all__ = ["PpoGradient", "PpoWeights"]

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class PpoWeights:
    """What the loss is made of.

    Attributes:
        clip_range: How far the probability ratio may move from 1.
        value: Weight of the value loss.
        entropy: Weight of the entropy bonus.
    """

    clip_range: float
    value: float
    entropy: float


class PpoGradient:
    """Computes the objective of a minibatch together with its gradient."""

    def __init__(self, policy: SmallNet, value: SmallNet, weights: PpoWeights, *, log_std: nn.Parameter | None) -> None:
        """Take both networks over.

        Args:
            policy: Outputs A logits, or A means.
            value: Outputs one number.
            weights: What the loss is made of.
            log_std: Logarithm of the standard deviation of a Gaussian policy, float32 [A]; None for choices.
        """
        self._policy, self._value, self._weights, self._log_std = policy, value, weights, log_std
        self._room, own = Room(), [] if log_std is None else [log_std]
        self._gradients = Gradients([*policy.parameters, *value.parameters, *own])
        count = len(policy.parameters)
        self._policy_parts = self._gradients.parts[:count]
        self._value_parts = self._gradients.parts[count : count + len(value.parameters)]

    def __call__(self, seen_BO: Tensor, batch: Batch) -> tuple[Objective, Gradients]:
        """Return the objective and the gradient of its total, for scaled observations float32 [B, O]."""
        weight = batch.get("weight")
        weight_B = None if weight is None else weight.numpy()
        with np.errstate(all="ignore"):
            # One network after the other, in the same memory: so it stays in the processor's caches.
            value, kept = self._value.forward(seen_BO, self._room)
            by_value, value_loss = self._value_loss(value.numpy()[:, 0], batch["return"].numpy(), weight_B)
            self._value.backward(torch.from_numpy(by_value), kept, into=self._value_parts)
            outputs, kept = self._policy.forward(seen_BO, self._room)
            judge = self._choices if self._log_std is None else self._numbers
            by_outputs, sums = judge(outputs.numpy(), {name: part.numpy() for name, part in batch.items()}, weight_B)
            self._policy.backward(torch.from_numpy(by_outputs), kept, into=self._policy_parts)
        total = sums["policy"] + self._weights.value * value_loss - self._weights.entropy * sums["entropy"]
        parts = {"value_loss": value_loss, "entropy": sums["entropy"], "kl": sums["kl"]}
        count = float(len(by_value)) if weight_B is None else max(float(weight_B.sum()), 1.0)
        told = torch.from_numpy(np.array([total, *parts.values()], dtype=np.float32)).unbind()
        return Objective(told[0], count, dict(zip(parts, told[1:], strict=True))), self._gradients

    def _value_loss(self, value_B: np.ndarray, return_B: np.ndarray, weight_B: np.ndarray | None) -> tuple[np.ndarray, float]:
        """Return the gradient by values float32 [B, 1], and the summed squared error."""
        error_B = value_B - return_B
        slope_B = error_B * np.float32(2 * self._weights.value)
        if weight_B is None:
            return slope_B[:, None], float(np.add.reduce(error_B * error_B))
        return (slope_B * weight_B)[:, None], float(np.add.reduce(weight_B * error_B * error_B))

    def _surrogate(
        self, log_B: np.ndarray, batch: Mapping[str, np.ndarray], weight_B: np.ndarray | None
    ) -> tuple[np.ndarray, dict[str, float]]:
        """Return the gradient of the clipped loss by log-probabilities float32 [B], and sums."""
        moved_B = log_B - batch["log_probability"]
        ratio_B = np.exp(moved_B)
        free_B = ratio_B * batch["advantage"]
        low, high = np.float32(1 - self._weights.clip_range), np.float32(1 + self._weights.clip_range)
        held_B = np.minimum(np.maximum(ratio_B, low), high) * batch["advantage"]
        # Where the held one is smaller, it is constant. Within the range both are the same.
        slope_B = np.where(free_B <= held_B, -free_B, np.float32(0))
        loss_B, kl_B = np.minimum(free_B, held_B), ratio_B - np.float32(1) - moved_B
        if weight_B is not None:
            slope_B, loss_B, kl_B = slope_B * weight_B, loss_B * weight_B, kl_B * weight_B
        return slope_B, {"policy": -float(np.add.reduce(loss_B)), "kl": float(np.add.reduce(kl_B))}

    def _choices(
        self, logit_BA: np.ndarray, batch: Mapping[str, np.ndarray], weight_B: np.ndarray | None
    ) -> tuple[np.ndarray, dict[str, float]]:
        """Return the gradient by logits float32 [B, A], and sums, for one of a few choices."""
        # Choice by choice: a reduction over the few numbers of each row takes NumPy nine times as long.
        log_AB = np.ascontiguousarray(logit_BA.T)
        log_AB = log_AB - np.maximum.reduce(log_AB, 0)
        probability_AB = np.exp(log_AB)
        whole_B = np.add.reduce(probability_AB, 0)
        probability_AB /= whole_B
        log_AB -= np.log(whole_B)
        place_B = batch["action"] * len(logit_BA) + np.arange(len(logit_BA))
        slope_B, sums = self._surrogate(log_AB.reshape(-1).take(place_B), batch, weight_B)
        entropy_B = -np.add.reduce(probability_AB * log_AB, 0)
        # By logits: of log p(taken) one-hot - p, of the entropy -p (log p + entropy).
        by_logits_AB = log_AB
        by_logits_AB += entropy_B
        by_logits_AB *= np.float32(self._weights.entropy)
        if weight_B is not None:
            by_logits_AB *= weight_B
            entropy_B = entropy_B * weight_B
        by_logits_AB -= slope_B
        by_logits_AB *= probability_AB
        by_logits_AB.reshape(-1)[place_B] += slope_B
        return by_logits_AB.T, sums | {"entropy": float(np.add.reduce(entropy_B))}

    def _numbers(
        self, mean_BA: np.ndarray, batch: Mapping[str, np.ndarray], weight_B: np.ndarray | None
    ) -> tuple[np.ndarray, dict[str, float]]:
        """Return the gradient by means float32 [B, A], and sums, for numbers; writes that of the standard deviation."""
        assert self._log_std is not None
        log_std_A = self._log_std.detach().numpy()
        scaled_BA = (batch["action"] - mean_BA) * np.exp(-log_std_A)
        log_B = np.add.reduce(np.float32(-0.5) * (scaled_BA * scaled_BA + np.float32(LOG_2PI)) - log_std_A, 1)
        slope_B, sums = self._surrogate(log_B, batch, weight_B)
        count = float(len(log_B)) if weight_B is None else float(np.add.reduce(weight_B))
        entropy = float(np.add.reduce(np.float32(0.5 * (1 + LOG_2PI)) + log_std_A)) * count
        by_log_std_A = np.add.reduce(slope_B[:, None] * (scaled_BA * scaled_BA - np.float32(1)), 0)
        by_log_std_A -= np.float32(self._weights.entropy * count)
        self._gradients.parts[-1].copy_(torch.from_numpy(by_log_std_A))
        return slope_B[:, None] * scaled_BA * np.exp(-log_std_A), sums | {"entropy": entropy}
