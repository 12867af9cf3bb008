"""Brings what an agent sees to a scale on which networks learn, and lets the network behind it answer.

Shapes: B = observations, O = sizes of one observation.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.model.layers.small_net import SmallNet

__all__ = ["ObservationNet", "ObservationScale"]

LARGEST, FARTHEST = np.float32(10.0), np.float32(1e6)
"""Standard deviations, beyond which a number grows by its logarithm only; and how many times that, from which on not at all. To
clip it there would make an agent blind: random steps, whose spread may be all that is known, do not go where a good one does."""
SMALLEST_VARIANCE = 1e-8
BYTE = 255.0


class ObservationScale(nn.Module):
    """Numbers minus their running mean, over their running standard deviation; pixels over 255; or both left as they are.

    With x the scaled number and L = 10 a network receives x up to L, and L (1 + log(|x| / L)) with the sign of x beyond.

    Mean and variance follow what was seen so far, all of it counted alike (Chan et al. 1979, "Updating formulae and a pairwise
    algorithm for computing sample variances", equation 2.1). Before anything was seen, numbers stay what they are.
    """

    def __init__(self, sizes: tuple[int, ...], *, are_pixels: bool, is_learned: bool = True) -> None:
        """Begin without a scale."""
        super().__init__()
        self.are_pixels = are_pixels
        self.is_learned = is_learned and not are_pixels
        self.mean: Tensor
        self.variance: Tensor
        self.count: Tensor
        # What `quick` uses, and of which numbers it was made.
        self._middle = self._factor = np.empty(0, dtype=np.float32)
        self._scaled_for = (0, 0, 0, 0)
        if self.is_learned:
            self.register_buffer("mean", torch.zeros(sizes))
            self.register_buffer("variance", torch.ones(sizes))
            self.register_buffer("count", torch.zeros((), dtype=torch.float64))

    def forward(self, observation: Tensor) -> Tensor:
        """Return float32 [B, O]."""
        if self.are_pixels:
            return observation.float() / BYTE
        if not self.is_learned:
            return observation.float()
        scaled = (observation - self.mean) * (self.variance + SMALLEST_VARIANCE).rsqrt()
        beyond = (scaled.abs() / float(LARGEST)).clamp(1.0, float(FARTHEST))
        return scaled.clamp(-float(LARGEST), float(LARGEST)) * (1.0 + beyond.log())

    def quick(self, observation: Tensor) -> Tensor:
        """Return the same on the CPU without autograd: NumPy spends less on a few numbers."""
        if not self.is_learned:
            return self.forward(observation)
        with np.errstate(all="ignore"):
            return torch.from_numpy(self.scaled(observation))

    def scaled(self, observation: Tensor) -> np.ndarray:
        """Return the same as an array in memory of its own, float32 [B, O]; who calls it lets NumPy be silent."""
        if not self.is_learned:
            return self.forward(observation).numpy().copy()
        # As attributes they would be looked for in three places, at the price of the whole scale.
        mean, variance = self._buffers["mean"], self._buffers["variance"]
        assert mean is not None
        assert variance is not None
        version = (mean.data_ptr(), mean._version, variance.data_ptr(), variance._version)
        if version != self._scaled_for:
            spread = np.sqrt(variance.detach().numpy() + np.float32(SMALLEST_VARIANCE))
            self._middle, self._factor = mean.detach().numpy(), np.reciprocal(spread)
            self._scaled_for = version
        scaled: np.ndarray = observation.float().numpy() - self._middle
        scaled *= self._factor
        size = np.abs(scaled)
        if np.maximum.reduce(size, axis=None, initial=0.0) <= LARGEST:
            return scaled
        beyond = np.minimum(np.maximum(size / LARGEST, np.float32(1)), FARTHEST)
        held: np.ndarray = np.minimum(np.maximum(scaled, -LARGEST), LARGEST)
        held *= np.float32(1) + np.log(beyond)
        return held

    @torch.no_grad()
    def learn(self, observation: Tensor) -> None:
        """Let mean and variance follow some observations [B, O]."""
        if not self.is_learned:
            return
        seen = observation.double()
        count, total = float(len(seen)), self.count + float(len(seen))
        mean, before = seen.mean(dim=0), self.mean.double()
        shift = mean - before
        squares = self.variance.double() * self.count + seen.var(dim=0, correction=0) * count
        squares += shift.square() * self.count * count / total
        self.mean.copy_(before + shift * count / total)
        self.variance.copy_(squares / total)
        self.count.copy_(total)


class ObservationNet(nn.Module):
    """A scale and a network behind it."""

    def __init__(self, scale: ObservationScale, body: nn.Module) -> None:
        super().__init__()
        self.scale = scale
        self.body = body

    def forward(self, observation: Tensor) -> Tensor:
        """Return what the network makes of scaled observations."""
        answer: Tensor = self.body(self.scale(observation))
        return answer

    def acting(self) -> Callable[[Tensor], Tensor]:
        """Return the same function without autograd, faster where the network is small."""
        small = SmallNet.of(self.body)
        if small is None:
            return self

        def act(observation: Tensor) -> Tensor:
            with np.errstate(all="ignore"):
                return torch.from_numpy(small.answer(self.scale.scaled(observation)))

        return act
