"""The losses of SAC with their gradients in closed form, for small networks on the CPU: the same numbers, without autograd.

Source: Haarnoja et al., "Soft Actor-Critic Algorithms and Applications", 2018, arXiv 1812.05905, equations 5, 7 and 18,
differentiated by hand. Differs from autograd: the order in which numbers are added up, in the last digits.
Shapes: B = samples, O = numbers of an observation, A = numbers of an action.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.model.layers.small_net import Room, SmallNet
from tutelage.task.objective import Batch, Gradients, Objective

__all__ = ["SacGradient", "SacNets", "SacWeights"]

LOG_2, LOG_2PI = math.log(2.0), math.log(2 * math.pi)


@dataclass(frozen=True)
class SacNets:
    """All networks: the actor gives means and raw deviations, 2 A numbers; the others one."""

    actor: SmallNet
    critics: tuple[SmallNet, SmallNet]
    targets: tuple[SmallNet, SmallNet]


@dataclass(frozen=True)
class SacWeights:
    """What the losses are made of.

    Attributes:
        middle: Of the logarithm of standard deviations that the actor can give.
        half: How far it can be from there.
        target_entropy: Entropy that the temperature is led to, in nats.
    """

    middle: float
    half: float
    target_entropy: float


class _Tried(NamedTuple):
    """Actions that were drawn, float32 [B, A], and what they were made of."""

    action: np.ndarray
    log: np.ndarray
    bent: np.ndarray
    spread: np.ndarray
    kept: Sequence[Tensor]


class SacGradient:
    """Computes the objectives of both phases together with their gradients."""

    def __init__(self, nets: SacNets, weights: SacWeights, log_temperature: nn.Parameter) -> None:
        """Take the networks over."""
        self._nets, self._weights, self._log_temperature = nets, weights, log_temperature
        first, second = nets.critics
        self._of_critics = Gradients([*first.parameters, *second.parameters])
        count = len(first.parameters)
        self._critic_parts = (self._of_critics.parts[:count], self._of_critics.parts[count:])
        self._of_actor = Gradients([*nets.actor.parameters, log_temperature])
        # The memory of hidden layers is written least cold where few rooms are used again and again.
        self._rooms = Room(), Room(), Room()

    def critic(self, seen_BO: Tensor, next_BO: Tensor, batch: Batch) -> tuple[Objective, Gradients]:
        """Return the summed squared errors of both critics, for scaled observations, and their gradient."""
        weight_B, temperature = self._weight(batch), _exp(float(self._log_temperature.detach()))
        with np.errstate(all="ignore"):
            room = self._rooms[0]
            tried = self._try(next_BO, batch["next_noise"].numpy(), room)
            both = torch.cat([next_BO.flatten(1), torch.from_numpy(tried.action)], dim=-1)
            least_B = np.minimum(*(net.forward(both, room)[0].numpy()[:, 0] for net in self._nets.targets))
            target_B = least_B - np.float32(temperature) * tried.log
            target_B *= batch["discount"].numpy()
            target_B += batch["reward"].numpy()
            both = torch.cat([seen_BO.flatten(1), batch["action"]], dim=-1)
            total, worth = 0.0, 0.0
            for number, net in enumerate(self._nets.critics):
                found, kept = net.forward(both, room)
                worth_B = found.numpy()[:, 0]
                error_B = worth_B - target_B
                slope_B = error_B if weight_B is None else error_B * weight_B
                total += 0.5 * float(np.add.reduce(slope_B * error_B))
                worth = worth or float(np.add.reduce(worth_B if weight_B is None else worth_B * weight_B))
                net.backward(torch.from_numpy(slope_B[:, None]), kept, into=self._critic_parts[number])
            objective = _objective(total, {"worth": worth}, weight_B, rows=len(target_B))
        return objective, self._of_critics

    def actor(self, seen_BO: Tensor, batch: Batch) -> tuple[Objective, Gradients]:
        """Return the loss of the actor and of the temperature, for scaled observations, and their gradient."""
        weight_B, log_temperature = self._weight(batch), float(self._log_temperature.detach())
        temperature, noise_BA = _exp(log_temperature), batch["noise"].numpy()
        seen = seen_BO.flatten(1)
        with np.errstate(all="ignore"):
            tried = self._try(seen_BO, noise_BA, self._rooms[0])
            both = torch.cat([seen, torch.from_numpy(tried.action)], dim=-1)
            (first, first_kept), (second, second_kept) = map(SmallNet.forward, self._nets.critics, (both, both), self._rooms[1:])
            share_B = (np.sign(second.numpy()[:, 0] - first.numpy()[:, 0]) + np.float32(1)) * np.float32(0.5)
            rows_B = np.ones(len(share_B), dtype=np.float32) if weight_B is None else weight_B
            by_action_BA = np.zeros_like(noise_BA)
            for net, kept, part_B in zip(self._nets.critics, (first_kept, second_kept), (share_B, 1 - share_B), strict=True):
                # A critic that is not the smaller one has no part in a row: of two networks' products one is left.
                row_M = np.flatnonzero(part_B)
                by_worth = torch.from_numpy((-part_B * rows_B)[row_M, None])
                slope = net.backward(by_worth, kept, inputs=slice(seen.shape[1], None), rows_B=torch.from_numpy(row_M))
                assert slope is not None
                by_action_BA[row_M] += slope.numpy()
            held_BA = np.float32(temperature) * rows_B[:, None]
            # By the number before tanh, whose own density falls with its slope: of log p that is 2 tanh.
            by_before_BA = by_action_BA * (1 - tried.action * tried.action) + 2 * held_BA * tried.action
            by_log_std_BA = by_before_BA * tried.spread * noise_BA - held_BA
            by_raw_BA = by_log_std_BA * (np.float32(self._weights.half) * (1 - tried.bent * tried.bent))
            least_B = np.minimum(first.numpy()[:, 0], second.numpy()[:, 0])
            lack = float(np.add.reduce(rows_B * (tried.log + np.float32(self._weights.target_entropy))))
            entropy = -float(np.add.reduce(rows_B * tried.log))
            total = -temperature * entropy - float(np.add.reduce(rows_B * least_B)) - log_temperature * lack
            warmth = temperature * float(np.add.reduce(rows_B))
            by_outputs = torch.from_numpy(np.concatenate([by_before_BA, by_raw_BA], axis=1))
            self._nets.actor.backward(by_outputs, tried.kept, into=self._of_actor.parts[:-1])
            self._of_actor.parts[-1].fill_(-lack)
            told = {"entropy": entropy, "temperature": warmth}
            objective = _objective(total, told, weight_B, rows=len(rows_B))
        return objective, self._of_actor

    def _try(self, seen_BO: Tensor, noise_BA: np.ndarray, room: Room) -> _Tried:
        """Draw actions for scaled observations."""
        outputs, kept = self._nets.actor.forward(seen_BO, room)
        size = noise_BA.shape[1]
        mean_BA, raw_BA = outputs.numpy()[:, :size], outputs.numpy()[:, size:]
        bent_BA = np.tanh(raw_BA)
        log_std_BA = np.float32(self._weights.middle) + np.float32(self._weights.half) * bent_BA
        spread_BA = np.exp(log_std_BA)
        before_BA = mean_BA + spread_BA * noise_BA
        normal_BA = np.float32(-0.5) * (noise_BA * noise_BA + np.float32(LOG_2PI)) - log_std_BA
        # log(1 - tanh(x)^2), without loss of digits where x is large.
        slope_BA = np.float32(2) * (np.float32(LOG_2) - before_BA - np.logaddexp(np.float32(0), np.float32(-2) * before_BA))
        return _Tried(np.tanh(before_BA), np.add.reduce(normal_BA - slope_BA, 1), bent_BA, spread_BA, kept)

    @staticmethod
    def _weight(batch: Batch) -> np.ndarray | None:
        """Return the samples' weights, if they have some."""
        weight = batch.get("weight")
        return None if weight is None else weight.numpy()


def _exp(value: float) -> float:
    """Return the exponential as tensors have it: infinite where no number holds it, so that the update is refused."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _objective(total: float, parts: dict[str, float], weight_B: np.ndarray | None, *, rows: int) -> Objective:
    """Return sums as an objective; with weights, they are for the number of samples that count at all."""
    weight = float(rows) if weight_B is None else max(float(np.count_nonzero(weight_B > 0)), 1.0)
    told = torch.from_numpy(np.array([total, *parts.values()], dtype=np.float32))
    return Objective(told[0], weight, {name: told[place] for place, name in enumerate(parts, start=1)})
