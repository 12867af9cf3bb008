"""Moving averages of a module's weights, for evaluation (EMA) and for target networks.

Source: Busbridge et al., "How to Scale Your EMA", 2023, arXiv 2307.13813, and the warm-up of TensorFlow's
ExponentialMovingAverage, decay = min(decay, (1 + updates) / (10 + updates)). Differs from the paper: none.
"""

import copy

import torch
from torch import Tensor, nn

__all__ = ["Average"]


class Average(nn.Module):
    """A slow copy of a module that follows it after every update.

    Attributes:
        num_updates: How often it has followed, int64 [], where the module is.
    """

    num_updates: Tensor

    def __init__(self, module: nn.Module, *, decay: float) -> None:
        """Start as an equal copy.

        Args:
            module: The module to follow.
            decay: Fraction of the old average kept per update, in (0, 1); 0.999 averages about the last 1,000 updates.
        """
        super().__init__()
        self.module = copy.deepcopy(module).eval()
        for parameter in self.module.parameters():
            parameter.requires_grad_(False)
        self.decay = decay
        self.register_buffer("num_updates", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def follow(self, module: nn.Module, *, made: Tensor | None = None) -> None:
        """Move towards the module: floating-point tensors by 1 - decay, counters at once.

        Args:
            module: What to follow.
            made: 0 or 1, float32 [] on the module's device: whether to do so, without the host knowing; None = do it.
        """
        slow = list(self.module.parameters()) + [buffer for buffer in self.module.buffers() if buffer.is_floating_point()]
        fast = list(module.parameters()) + [buffer for buffer in module.buffers() if buffer.is_floating_point()]
        if made is None:
            self.num_updates += 1
            count = int(self.num_updates)
            torch._foreach_lerp_(slow, fast, 1 - min(self.decay, (1 + count) / (10 + count)))
        else:
            self.num_updates += made.to(self.num_updates.dtype)
            fraction = made * (1 - ((1 + self.num_updates) / (10 + self.num_updates.double())).clamp(max=self.decay))
            steps = torch._foreach_sub(fast, slow)
            torch._foreach_mul_(steps, fraction.to(slow[0].dtype))
            torch._foreach_add_(slow, steps)
        for kept, current in zip(self.module.buffers(), module.buffers(), strict=True):
            if not current.is_floating_point():
                kept.copy_(current)

    def train(self, mode: bool = True) -> "Average":
        """Stay in evaluation mode, whatever the mode of the task."""
        return super().train(False)
