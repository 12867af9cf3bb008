"""Linear model of a window: each coming time is a weighted sum of the times before, on the window's own scale; for forecasts.

When to use it: as the smallest network for forecasts, and where a few hundred windows is all there is.

Source: A. Zeng et al., "Are Transformers Effective for Time Series Forecasting?" (NLinear), 2023, arXiv 2205.13504, section 4.
Differs from the paper: it begins by saying what is usual; the level may be the mean, the spread is divided by as well, and
what is known of a coming time is added.

Shape letters: B batch, C channels, L times before, H times after, K known numbers.
"""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import History, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.repeating import Repeating
from tutelage.model.layers.reversible import Level, reversible
from tutelage.model.layers.roles import mark

__all__ = ["NLinear"]


class NLinear(Model):
    """Settings of the linear model."""

    kind: Literal["nlinear"] = "nlinear"
    views: ClassVar[tuple[type[View], ...]] = (History,)
    dropout: float = Field(0.0, ge=0, lt=1, description="Probability that a time before is left out.")
    level: Level = Field("last", description="What is subtracted from a window before it is read: its mean, or its last value.")

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network: past [B, L, C] and, where there are any, known numbers [B, L + H, K] -> [B, H, C]."""
        self.require(shape)
        history = shape.view(History)
        assert history is not None
        return LinearNet(self, history)


class LinearNet(nn.Module):
    """One linear layer over the times, shared by all channels."""

    def __init__(self, spec: NLinear, history: History) -> None:
        super().__init__()
        self.level, self.length = spec.level, history.length
        self.dropout = nn.Dropout(spec.dropout)
        self.past = Repeating(history)
        self.known = mark(nn.Linear(history.known, history.channels, bias=False), "output") if history.known else None
        if self.known is not None:
            nn.init.zeros_(self.known.weight)

    def forward(self, past_BLC: Tensor, known_BSK: Tensor | None = None) -> Tensor:
        """Return [B, H, C]."""
        scale = reversible(past_BLC, level=self.level)
        answer_BHC = self.past(self.dropout(scale.apply(past_BLC.float()).transpose(1, 2))).transpose(1, 2)
        if self.known is not None and known_BSK is not None:
            answer_BHC = answer_BHC + self.known(known_BSK[:, self.length :])
        return scale.undo(answer_BHC)
