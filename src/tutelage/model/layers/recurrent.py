"""What recurrent networks share: layers that read a sequence step by step, in one direction or both, and what stands around.

A batch is padded at the end, and a mask tells how far each row goes: a layer that reads backwards begins at each row's own
end, so that no answer depends on the padding.

Shape letters: B batch, T steps, C channels, D inputs, H width, O outputs, V vocabulary.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from tutelage.model.layers.recurrence import exported_kernel
from tutelage.model.layers.roles import mark

__all__ = ["KernelLayer", "Pool", "RecurrentLayer", "RecurrentNet", "State", "TwoWay", "chrono", "reverse"]

Pool = Literal["mean", "max", "last"]
State = list[tuple[Tensor, ...]]
"""What a network remembers of the steps before, layer by layer; each tensor [B, ...]."""


class RecurrentLayer(nn.Module):
    """A layer that reads a sequence from its beginning: all at once (`forward`), or one step after another (`begin`, `step`).

    Attributes:
        width: H.
    """

    width: int

    def forward(self, x_BTD: Tensor, length_B: Tensor | None = None) -> Tensor:
        """Return [B, T, H]; what stands at a step depends on it and those before it, and so lengths do not matter."""
        raise NotImplementedError

    def begin(self, batch: int) -> tuple[Tensor, ...]:
        """Return the state before the first step, for so many rows."""
        raise NotImplementedError

    def step(self, x_BD: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return [B, H], what `forward` has at this step, and the state after it."""
        raise NotImplementedError


class KernelLayer(RecurrentLayer):
    """A layer of torch's own kernels (oneDNN, cuDNN).

    The matrices between steps are orthogonal at first, gate by gate, those of the inputs Xavier's, and all biases zero.

    Attributes:
        num_states: Tensors [B, H] that it remembers.
    """

    num_states: ClassVar[int] = 1

    def __init__(self, kernel: nn.RNNBase) -> None:
        """Take one of one layer and one direction, batch first."""
        super().__init__()
        self.width = kernel.hidden_size
        self.kernel = kernel
        with torch.no_grad():
            for name, weight in kernel.named_parameters():
                for gate in weight.chunk(len(weight) // self.width):
                    if "bias" in name:
                        gate.zero_()
                    elif "_hh" in name:
                        nn.init.orthogonal_(gate)
                    else:
                        nn.init.xavier_uniform_(gate)

    def forward(self, x_BTD: Tensor, length_B: Tensor | None = None) -> Tensor:
        """Return [B, T, H]."""
        if torch.compiler.is_exporting() and isinstance(self.kernel, nn.RNNBase):
            return exported_kernel(self.kernel, x_BTD)
        hidden_BTH: Tensor = self.kernel(x_BTD)[0]
        return hidden_BTH

    def begin(self, batch: int) -> tuple[Tensor, ...]:
        """Return zeros."""
        return (self.weights[1].new_zeros(batch, self.width),) * self.num_states

    @property
    def weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Weights of the inputs and between steps, then biases of both."""
        of_inputs, between, first_bias, second_bias = self.kernel.parameters()
        return of_inputs, between, first_bias, second_bias


class TwoWay(nn.Module):
    """Two layers of a kind, one of which reads each row from its end.

    Attributes:
        width: Numbers at a step: those of both.
    """

    def __init__(self, onward: RecurrentLayer, back: RecurrentLayer) -> None:
        super().__init__()
        self.onward, self.back = onward, back
        self.width = onward.width + back.width

    def forward(self, x_BTD: Tensor, length_B: Tensor) -> Tensor:
        """Return [B, T, 2 H]."""
        back_BTH = reverse(self.back(reverse(x_BTD, length_B)), length_B)
        return torch.cat([self.onward(x_BTD), back_BTH], dim=-1)


class RecurrentNet(nn.Module):
    """Embedding, recurrent layers with dropout between them, and an answer for each row, or for each step.

    Attributes:
        embed: Makes vectors [B, T, D] of the inputs.
        is_recurrent: Tells that gradients by time lag say something of this network.
    """

    is_recurrent: ClassVar[bool] = True

    def __init__(
        self, embed: nn.Module, layers: Sequence[nn.Module], *, dropout: float, pool: tuple[Pool, ...] | None, num_outputs: int
    ) -> None:
        """Put the pieces together.

        Args:
            embed: Makes vectors of the inputs.
            layers: Each `RecurrentLayer` or one that takes the lengths too; the last one has a `width`.
            dropout: Probability that a number is left out after each layer.
            pool: What becomes of a row's steps, one after another; None answers at each step.
            num_outputs: O or V.
        """
        super().__init__()
        self.embed = mark(embed, "input")
        self.layers = nn.ModuleList(layers)
        self.dropout = nn.Dropout(dropout)
        self.pool = pool
        self.width = int(layers[-1].width)  # type: ignore[arg-type]
        self.head = mark(nn.Linear(self.width * len(pool or ("each",)), num_outputs), "output")
        # Not zero: what lies before it would learn nothing at first, and a recurrent network begins slowly as it is.
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        """Return [B, O] of series [B, T, C] or tokens [B, T] with a mask [B, T]; without a mask [B, T, V] of tokens."""
        if mask_BT is not None and x.is_floating_point():
            # Whatever stands in the padding, and be it not a number, takes part in nothing.
            x = torch.where(mask_BT.unsqueeze(-1), x, 0.0)
        length_B = None if mask_BT is None else mask_BT.sum(dim=1)
        hidden_BTH = self.embed(x)
        for layer in self.layers:
            hidden_BTH = self.dropout(layer(hidden_BTH, length_B))
        if self.pool is not None and mask_BT is not None:
            hidden_BTH = torch.cat([self._pooled(hidden_BTH, mask_BT, how) for how in self.pool], dim=-1)
        outputs: Tensor = self.head(hidden_BTH)
        return outputs

    def begin(self, batch: int) -> State:
        """Return the state before the first token of so many texts."""
        return [cast("RecurrentLayer", layer).begin(batch) for layer in self.layers]

    def step(self, token_B: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits [B, V] of the next token, given one more, and the state after it: what `forward` has at this place."""
        hidden_BH, after = self.embed(token_B), []
        for layer, own in zip(self.layers, state, strict=True):
            hidden_BH, own = cast("RecurrentLayer", layer).step(hidden_BH, own)
            hidden_BH = self.dropout(hidden_BH)
            after.append(own)
        return self.head(hidden_BH), after

    def _pooled(self, hidden_BTH: Tensor, mask_BT: Tensor, how: Pool) -> Tensor:
        """Return one vector [B, H] of each row."""
        mask_BT1 = mask_BT.unsqueeze(-1)
        if how == "max":
            return hidden_BTH.masked_fill(~mask_BT1, -torch.inf).amax(dim=1)
        if how == "mean":
            return (hidden_BTH * mask_BT1).sum(dim=1) / mask_BT1.sum(dim=1).clamp(min=1)
        rows = torch.arange(hidden_BTH.shape[0], device=hidden_BTH.device)
        last_BH = hidden_BTH[rows, mask_BT.sum(dim=1) - 1]
        if not isinstance(self.layers[-1], TwoWay):
            return last_BH
        # A layer that reads backwards has read all of a row at its first step.
        half = self.width // 2
        return torch.cat([last_BH[:, :half], hidden_BTH[:, 0, half:]], dim=-1)


def reverse(x_BTD: Tensor, length_B: Tensor) -> Tensor:
    """Return each row back to front within its length; what comes after it stays where it is."""
    step_T = torch.arange(x_BTD.shape[1], device=x_BTD.device)
    place_BT = torch.where(step_T < length_B[:, None], length_B[:, None] - 1 - step_T, step_T)
    return x_BTD.gather(1, place_BT.unsqueeze(-1).expand_as(x_BTD))


def chrono(bias: Tensor, length: int) -> None:
    """Fill the bias of a gate that keeps, so that memories last from 1 to about `length` steps: log U(1, length - 1).

    Source: C. Tallec and Y. Ollivier, "Can recurrent neural networks warp time?", 2018, arXiv 1804.11188, equation 16.
    """
    with torch.no_grad():
        bias.uniform_(1.0, max(length - 1.0, 1.5)).log_()
