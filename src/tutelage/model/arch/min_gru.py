"""minGRU: a GRU whose gates do not see the state, so that all steps are computed at once; fast on long sequences.

Source: L. Feng et al., "Were RNNs All We Needed?", 2024, arXiv 2410.01201, section 3.1 and appendices B and C. Differs from the
paper: the scan runs on the numbers themselves, in two levels, since sums of logarithms lose digits over thousands of steps.

Shape letters: B batch, T steps, D inputs and width, K steps that the convolution sees before its own.
"""

from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.shape.views import History, Series, Text, Tokens
from tutelage.model.arch.recurrent import RecurrentModel
from tutelage.model.layers.recurrent import RecurrentLayer, TwoWay, chrono
from tutelage.model.layers.scan import scan

__all__ = ["MinGru"]


class MinGru(RecurrentModel):
    """Settings of the network."""

    kind: Literal["min_gru"] = "min_gru"
    drops_between: ClassVar[bool] = False
    kernel: int = Field(4, ge=1, le=64, description="Steps that the convolution before each recurrence sees, its own included.")
    expansion: int = Field(2, ge=1, le=16, description="Hidden units of the perceptron after each recurrence, over the width.")
    update_bias: float | Literal["chrono"] = Field(
        1.0,
        description="Bias of the gates that keep, at first; `chrono` spreads it so that memories last up to the whole length.",
    )

    def embedding(self, view: Series | Text | Tokens | History) -> nn.Module:
        """Make what turns inputs into vectors as wide as the blocks."""
        embedding = super().embedding(view)
        return (
            embedding
            if self.embedding_size == self.width
            else nn.Sequential(embedding, nn.Linear(self.embedding_size, self.width))
        )

    def layers(self, length: int, *, is_two_way: bool) -> list[nn.Module]:
        """Make the blocks, and a norm after them."""
        mixers = [self.one_or_two(self.width, length, is_two_way=is_two_way) for _ in range(self.depth)]
        blocks: list[nn.Module] = [Block(mixer, self.width, expansion=self.expansion, dropout=self.dropout) for mixer in mixers]
        return [*blocks, Norm(self.width)]

    def layer(self, num_inputs: int, length: int) -> RecurrentLayer:
        """Make the recurrence that reads in one direction."""
        return MinGruLayer(num_inputs, kernel=self.kernel, length=length, update_bias=self.update_bias)


class MinGruLayer(RecurrentLayer):
    """A short causal convolution of each channel, then h' = (1 - z) h + z g(W x), with a gate z of x alone."""

    def __init__(self, width: int, *, kernel: int, length: int, update_bias: float | Literal["chrono"]) -> None:
        super().__init__()
        self.width = width
        self.convolution = nn.Conv1d(width, width, kernel, groups=width)
        self.gates = nn.Linear(width, 2 * width)
        with torch.no_grad():
            renew_D, _ = self.gates.bias.zero_().chunk(2)
            if update_bias == "chrono":
                chrono(renew_D, length)
                renew_D.neg_()
            else:
                renew_D.fill_(-update_bias)

    def forward(self, x_BTD: Tensor, length_B: Tensor | None = None) -> Tensor:
        """Return [B, T, D]."""
        padded_BDT = F.pad(x_BTD.transpose(1, 2), (self._before, 0))
        keep_BTD, add_BTD = self._terms(self.convolution(padded_BDT).transpose(1, 2))
        return scan(keep_BTD, add_BTD).to(x_BTD.dtype)

    def begin(self, batch: int) -> tuple[Tensor, ...]:
        """Return zeros for h and for the steps that the convolution sees."""
        weight = self.gates.weight
        return weight.new_zeros(batch, self.width), weight.new_zeros(batch, self.width, self._before)

    def step(self, x_BD: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return [B, D] and the state after it."""
        hidden_BD, before_BDK = state
        seen_BDK = torch.cat([before_BDK, x_BD.unsqueeze(-1)], dim=-1)
        keep_BD, add_BD = self._terms(self.convolution(seen_BDK).squeeze(-1))
        hidden_BD = keep_BD * hidden_BD + add_BD
        return hidden_BD, (hidden_BD, seen_BDK[:, :, 1:])

    def _terms(self, mixed: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is kept of the state, and what is added to it, in full precision."""
        renew, candidate = self.gates(mixed).float().chunk(2, dim=-1)
        # As in the paper: positive, and smooth where the two branches meet.
        positive = torch.where(candidate >= 0, candidate + 0.5, candidate.sigmoid())
        return torch.sigmoid(-renew), renew.sigmoid() * positive

    @property
    def _before(self) -> int:
        """K."""
        return int(self.convolution.kernel_size[0]) - 1


class Block(RecurrentLayer):
    """x + out(recurrence(norm(x))), then x + mlp(norm(x))."""

    def __init__(self, mixer: RecurrentLayer | TwoWay, width: int, *, expansion: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.mixer = mixer
        self.out = nn.Linear(mixer.width, width, bias=False)
        self.up = nn.Linear(width, expansion * width)
        self.down = nn.Linear(expansion * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BTD: Tensor, length_B: Tensor | None = None) -> Tensor:
        """Return the same shape."""
        return self._ahead(x_BTD, self.mixer(norm(x_BTD), length_B))

    def begin(self, batch: int) -> tuple[Tensor, ...]:
        """Return what the recurrence begins with."""
        begun: tuple[Tensor, ...] = self._one_way.begin(batch)
        return begun

    def step(self, x_BD: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return [B, D] and the state after it."""
        mixed_BD, after = self._one_way.step(norm(x_BD), state)
        return self._ahead(x_BD, mixed_BD), after

    def _ahead(self, x: Tensor, mixed: Tensor) -> Tensor:
        """Add both branches."""
        x = x + self.dropout(self.out(mixed))
        ahead: Tensor = x + self.dropout(self.down(F.silu(self.up(norm(x)))))
        return ahead

    @property
    def _one_way(self) -> Any:
        """The recurrence; only one that reads in one direction can go step by step."""
        assert isinstance(self.mixer, RecurrentLayer)
        return self.mixer


class Norm(RecurrentLayer):
    """RMS norm after the last block; it remembers nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, x_BTD: Tensor, length_B: Tensor | None = None) -> Tensor:
        """Return the same shape."""
        return norm(x_BTD)

    def begin(self, batch: int) -> tuple[Tensor, ...]:
        """Return nothing."""
        return ()

    def step(self, x_BD: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return [B, D]."""
        return norm(x_BD), ()


def norm(x: Tensor) -> Tensor:
    """Return x with a root mean square of 1 over its last dimension."""
    return F.rms_norm(x, (x.shape[-1],))
