"""A module whose input part takes several tensors and whose layers after it take one."""

from torch import Tensor, nn

__all__ = ["Joined"]


class Joined(nn.Module):
    """An input module that takes several tensors, then layers that take one.

    Attributes:
        num_members: Networks with shared weights, each of which gives an answer: outputs are [B, M, O] where M > 1.
    """

    def __init__(self, inputs: nn.Module, *layers: nn.Module, num_members: int = 1) -> None:
        super().__init__()
        self.num_members = num_members
        self.inputs = inputs
        self.layers = nn.ModuleList(layers)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return [B, O], or [B, M, O] with members."""
        x: Tensor = self.inputs(*inputs)
        for layer in self.layers:
            x = layer(x)
        return x
