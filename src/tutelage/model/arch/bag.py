"""Averaged embeddings: a learned vector a word, their mean over the text, a linear layer; for texts, fast and hard to beat.

Source: A. Joulin et al., "Bag of Tricks for Efficient Text Classification" (fastText), 2016, arXiv 1607.01759, section 2.
Differs from the paper: no pairs of words; the floor beside the network has these.

Shape letters: B batch, T words, D width, O outputs.
"""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Text, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.roles import mark

__all__ = ["Bag"]


class Bag(Model):
    """Sizes of the model."""

    kind: Literal["bag"] = "bag"
    views: ClassVar[tuple[type[View], ...]] = (Text,)
    widths_of: ClassVar[tuple[str, ...]] = ("width",)
    width: int = Field(64, ge=1, le=2**16, description="Numbers that stand for a word. Typical: 16 to 256.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Probability that a number of the mean is left out.")

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network: words [B, T] and mask [B, T] -> [B, num_outputs]."""
        self.require(shape)
        text = shape.view(Text)
        assert text is not None
        return Averaged(self, vocabulary_size=text.vocabulary_size, num_outputs=num_outputs)


class Averaged(nn.Module):
    """Embedding, mean, linear layer."""

    def __init__(self, spec: Bag, *, vocabulary_size: int, num_outputs: int) -> None:
        super().__init__()
        self.embedding = mark(nn.Embedding(vocabulary_size, spec.width), "input")
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.dropout = nn.Dropout(spec.dropout)
        self.head = mark(nn.Linear(spec.width, num_outputs), "output")

    def forward(self, token_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Return [B, O]."""
        weight_BT1 = mask_BT.unsqueeze(-1).to(self.embedding.weight.dtype)
        mean_BD = (self.embedding(token_BT) * weight_BT1).sum(dim=1) / weight_BT1.sum(dim=1).clamp(min=1)
        outputs_BO: Tensor = self.head(self.dropout(mean_BD))
        return outputs_BO
