"""Transformer encoder: each word of a text looks at all others, and their mean decides; for texts with labels.

Source: A. Vaswani et al., "Attention Is All You Need", 2017, arXiv 1706.03762, section 3; rotary positions: J. Su et al.,
"RoFormer", 2021, arXiv 2104.09864, equation 34; query-key norm: A. Henry et al., 2020, arXiv 2010.04245.
Differs from the papers: RMS norms without scales in front of each branch, squared ReLU, no biases, branches that start at zero.

Shape letters: B batch, T words, D width, H heads, E width of a head, O outputs.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Text, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.attention import norm, rotary_tables, rotate
from tutelage.model.layers.roles import mark

__all__ = ["TextEncoder"]


class TextEncoder(Model):
    """Sizes of the encoder."""

    kind: Literal["text_encoder"] = "text_encoder"
    views: ClassVar[tuple[type[View], ...]] = (Text,)
    widths_of: ClassVar[tuple[str, ...]] = ("width",)
    depths_of: ClassVar[tuple[str, ...]] = ("depth",)
    width: int = Field(128, ge=8, le=2**16, description="Numbers that stand for a word; a multiple of twice the heads.")
    depth: int = Field(2, ge=1, le=1000, description="Blocks. Typical: 1 to 6.")
    heads: int = Field(4, ge=1, le=1024, description="Attention heads in each block.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Probability that a number is left out, of words and after each branch.")
    pooling: Literal["mean", "both"] = Field("mean", description="What decides: the mean of all words, or it and the first word.")

    @property
    def width_step(self) -> int:
        """Return twice the heads."""
        return 2 * self.heads

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network: words [B, T] and mask [B, T] -> [B, num_outputs]."""
        self.require(shape)
        text = shape.view(Text)
        assert text is not None
        if self.width % (2 * self.heads):
            raise RecipeError(f"model.width = {self.width} must be a multiple of twice model.heads = {self.heads}.")
        return Encoder(self, vocabulary_size=text.vocabulary_size, num_outputs=num_outputs)


class Encoder(nn.Module):
    """Embedding, blocks, mean, head."""

    def __init__(self, spec: TextEncoder, *, vocabulary_size: int, num_outputs: int) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = mark(nn.Embedding(vocabulary_size, spec.width), "input")
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.dropout = nn.Dropout(spec.dropout)
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.depth))
        self.head = mark(nn.Linear(spec.width * (2 if spec.pooling == "both" else 1), num_outputs), "output")
        nn.init.zeros_(self.head.bias)

    def forward(self, token_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Return [B, O]."""
        tables_2TF = rotary_tables(token_BT.shape[1], self.spec.width // self.spec.heads, device=token_BT.device)
        seen_B11T = mask_BT[:, None, None, :]
        x_BTD = self.dropout(self.embedding(token_BT))
        for block in self.blocks:
            x_BTD = block(x_BTD, seen_B11T, tables_2TF)
        x_BTD = norm(x_BTD)
        there_BT1 = mask_BT.unsqueeze(-1).to(x_BTD.dtype)
        pooled = (x_BTD * there_BT1).sum(dim=1) / there_BT1.sum(dim=1).clamp(min=1)
        if self.spec.pooling == "both":
            pooled = torch.cat([pooled, x_BTD[:, 0]], dim=-1)
        outputs_BO: Tensor = self.head(self.dropout(pooled))
        return outputs_BO


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)); both branches start at zero."""

    def __init__(self, spec: TextEncoder) -> None:
        super().__init__()
        self.heads = spec.heads
        self.qkv = nn.Linear(spec.width, 3 * spec.width, bias=False)
        self.out = nn.Linear(spec.width, spec.width, bias=False)
        self.up = nn.Linear(spec.width, 4 * spec.width, bias=False)
        self.down = nn.Linear(4 * spec.width, spec.width, bias=False)
        self.dropout = nn.Dropout(spec.dropout)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x_BTD: Tensor, seen_B11T: Tensor, tables_2TF: Tensor) -> Tensor:
        """Return a tensor of the same shape.

        Args:
            x_BTD: The words.
            seen_B11T: Which of them there are.
            tables_2TF: Cosine and sine of their positions.
        """
        x_BTD = x_BTD + self.dropout(self.attend(norm(x_BTD), seen_B11T, tables_2TF))
        mixed_BTD: Tensor = x_BTD + self.dropout(self.down(F.relu(self.up(norm(x_BTD))).square()))
        return mixed_BTD

    def attend(self, x_BTD: Tensor, seen_B11T: Tensor, tables_2TF: Tensor) -> Tensor:
        """Let each word look at all that there are."""
        batch, length, width = x_BTD.shape
        qkv = self.qkv(x_BTD).view(batch, length, 3, self.heads, width // self.heads)
        q_BHTE, k_BHTE, v_BHTE = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        q_BHTE, k_BHTE = rotate(norm(q_BHTE), tables_2TF), rotate(norm(k_BHTE), tables_2TF)
        y_BHTE = look_around(q_BHTE, k_BHTE, v_BHTE, seen_B11T)
        y_BTD: Tensor = self.out(y_BHTE.transpose(1, 2).reshape(batch, length, width))
        return y_BTD


def look_around(q_BHTE: Tensor, k_BHTE: Tensor, v_BHTE: Tensor, seen_B11T: Tensor) -> Tensor:
    """Return what each word gathers from those that there are, [B, H, T, E].

    On a CPU by plain products: its fused kernel is slow backwards.
    """
    lowest = torch.finfo(q_BHTE.dtype).min
    penalty_B11T = torch.zeros_like(seen_B11T, dtype=q_BHTE.dtype).masked_fill_(~seen_B11T, lowest)
    if q_BHTE.device.type != "cpu":
        return F.scaled_dot_product_attention(q_BHTE, k_BHTE, v_BHTE.to(q_BHTE.dtype), attn_mask=penalty_B11T)
    score_BHTT = (q_BHTE * q_BHTE.shape[-1] ** -0.5) @ k_BHTE.transpose(-2, -1) + penalty_B11T
    gathered: Tensor = torch.softmax(score_BHTT, dim=-1, dtype=torch.float32).to(v_BHTE.dtype) @ v_BHTE
    return gathered
