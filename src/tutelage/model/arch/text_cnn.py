"""Convolution over words: each place of a region has its own vectors for all words, and the strongest regions of a text decide.

When to use it: texts of some length, for which the order of neighboring words matters and a few thousand rows are there.
Source: R. Johnson and T. Zhang, "Effective Use of Word Order for Text Categorization with Convolutional Neural Networks", NAACL
2015, arXiv 1412.1058, section 2 (seq-CNN: no embedding stands between words and regions).
Differs from the paper: Adam-like optimizers instead of momentum, no response normalization.

Shape letters: B batch, T words, K words of a region, R = T + K - 1 regions, W width, O outputs.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Text, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.roles import mark

__all__ = ["TextCnn"]


class TextCnn(Model):
    """Sizes of the network."""

    kind: Literal["text_cnn"] = "text_cnn"
    views: ClassVar[tuple[type[View], ...]] = (Text,)
    widths_of: ClassVar[tuple[str, ...]] = ("width",)
    width: int = Field(256, ge=1, le=2**16, description="Numbers that each region is turned into. Typical: 100 to 1,000.")
    region: int = Field(3, ge=1, le=64, description="Neighboring words that are looked at together. Typical: 2 to 5.")
    pooling: Literal["max", "mean", "both"] = Field(
        "max", description="What counts of all regions: the strongest, or their mean."
    )
    dropout: float = Field(0.5, ge=0, lt=1, description="Probability that a number of what counts is left out.")

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network: words [B, T] and mask [B, T] -> [B, num_outputs]."""
        self.require(shape)
        text = shape.view(Text)
        assert text is not None
        return Regions(self, vocabulary_size=text.vocabulary_size, num_outputs=num_outputs)


class Regions(nn.Module):
    """Vectors of words by their place, summed over each region; ReLU, pooling, head."""

    def __init__(self, spec: TextCnn, *, vocabulary_size: int, num_outputs: int) -> None:
        super().__init__()
        self.spec = spec
        self.num_words = vocabulary_size
        # One more row: what is beyond both ends of a text is nothing.
        self.nothing = spec.region * vocabulary_size
        self.places = mark(nn.EmbeddingBag(self.nothing + 1, spec.width, mode="sum", padding_idx=self.nothing), "input")
        nn.init.normal_(self.places.weight, std=0.05)
        with torch.no_grad():
            self.places.weight[self.nothing].zero_()
        self.bias = nn.Parameter(torch.zeros(spec.width))
        self.active = nn.ReLU()
        self.dropout = nn.Dropout(spec.dropout)
        self.head = mark(nn.Linear(spec.width * (2 if spec.pooling == "both" else 1), num_outputs), "output")

    def forward(self, token_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Return [B, O]."""
        beyond, size = self.spec.region - 1, self.spec.region
        word_BX = F.pad(token_BT.masked_fill(~mask_BT, -1), (beyond, beyond), value=-1)
        region_BRK = word_BX.unfold(1, size, 1)
        first_K = torch.arange(size, device=token_BT.device) * self.num_words
        row_BRK = torch.where(region_BRK < 0, self.nothing, region_BRK + first_K)
        there_BR = (region_BRK >= 0).any(dim=-1)
        summed_BRW = self._summed(row_BRK)
        active_BRW = self.active(summed_BRW + self.bias)
        outputs_BO: Tensor = self.head(self.dropout(self._pooled(active_BRW, there_BR)))
        return outputs_BO

    def _summed(self, row_BRK: Tensor) -> Tensor:
        """Return the sum of the vectors of each region, [B, R, W]."""
        if torch.compiler.is_exporting():
            # ONNX has no sum over bags: it would be a loop that takes one region after another.
            vectors = [F.embedding(row_BR, self.places.weight) for row_BR in row_BRK.unbind(dim=-1)]
            return torch.stack(vectors).sum(dim=0)
        summed: Tensor = self.places(row_BRK.flatten(0, 1)).view(*row_BRK.shape[:2], -1)
        return summed

    def _pooled(self, active_BRW: Tensor, there_BR: Tensor) -> Tensor:
        """Return what of all regions counts, [B, W] or [B, 2 W]."""
        there_BR1, found = there_BR.unsqueeze(-1), []
        if self.spec.pooling != "mean":
            found.append(active_BRW.masked_fill(~there_BR1, 0).amax(dim=1))
        if self.spec.pooling != "max":
            weight_BR1 = there_BR1.to(active_BRW.dtype)
            found.append((active_BRW * weight_BR1).sum(dim=1) / weight_BR1.sum(dim=1).clamp(min=1))
        return torch.cat(found, dim=-1)
