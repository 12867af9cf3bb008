"""Decoder-only transformer: predicts each token from the tokens before it, by attention; for text.

Source: A. Radford et al., "Language Models are Unsupervised Multitask Learners" (GPT-2), 2019; rotary positions: J. Su et
al., "RoFormer", 2021, arXiv 2104.09864, equation 34; query-key norm: A. Henry et al., 2020, arXiv 2010.04245.
Differs from the papers: RMS norms without scales, squared ReLU, no biases, branches that start at zero.

Shape letters: B batch, T tokens, D width, H heads, E width of a head, V vocabulary.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Tokens, View
from tutelage.model.arch.base import Model

__all__ = ["Gpt"]

ROTARY_BASE = 10_000.0
"""Wavelength of the slowest rotation over 2 pi, in tokens."""


class Gpt(Model):
    """Sizes of the transformer."""

    kind: Literal["gpt"] = "gpt"
    views: ClassVar[tuple[type[View], ...]] = (Tokens,)
    width: int = Field(
        128, ge=8, le=2**16, description="Numbers that stand for a token between blocks; a multiple of twice the heads."
    )
    depth: int = Field(4, ge=1, le=1000, description="Blocks.")
    heads: int = Field(4, ge=1, le=1024, description="Attention heads in each block.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Probability that a number is left out after each branch.")

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network: token numbers [B, T] -> logits [B, T, num_outputs]."""
        self.require(shape)
        tokens = shape.view(Tokens)
        assert tokens is not None
        if self.width % (2 * self.heads):
            raise RecipeError(f"model.width = {self.width} must be a multiple of twice model.heads = {self.heads}.")
        return Decoder(self, vocabulary_size=tokens.vocabulary_size, num_outputs=num_outputs)


class Decoder(nn.Module):
    """Embedding, blocks, head."""

    def __init__(self, spec: Gpt, *, vocabulary_size: int, num_outputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, spec.width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.depth))
        self.head = nn.Linear(spec.width, num_outputs, bias=False)
        nn.init.zeros_(self.head.weight)

    def forward(self, token_BT: Tensor) -> Tensor:
        """Return logits [B, T, V]."""
        x_BTD = norm(self.embedding(token_BT))
        for block in self.blocks:
            x_BTD = block(x_BTD)
        logits: Tensor = self.head(norm(x_BTD))
        return logits


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)); both branches start at zero."""

    def __init__(self, spec: Gpt) -> None:
        super().__init__()
        self.heads = spec.heads
        self.qkv = nn.Linear(spec.width, 3 * spec.width, bias=False)
        self.out = nn.Linear(spec.width, spec.width, bias=False)
        self.up = nn.Linear(spec.width, 4 * spec.width, bias=False)
        self.down = nn.Linear(4 * spec.width, spec.width, bias=False)
        self.dropout = nn.Dropout(spec.dropout)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        x_BTD = x_BTD + self.dropout(self.attend(norm(x_BTD)))
        mixed_BTD: Tensor = x_BTD + self.dropout(self.down(F.relu(self.up(norm(x_BTD))).square()))
        return mixed_BTD

    def attend(self, x_BTD: Tensor) -> Tensor:
        """Let each token look at itself and those before it."""
        batch, length, width = x_BTD.shape
        qkv = self.qkv(x_BTD).view(batch, length, 3, self.heads, width // self.heads)
        q_BHTE, k_BHTE, v_BHTE = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        turned = rotate(norm(q_BHTE)), rotate(norm(k_BHTE))
        y_BHTE = F.scaled_dot_product_attention(turned[0], turned[1], v_BHTE, is_causal=True)
        y_BTD: Tensor = self.out(y_BHTE.transpose(1, 2).reshape(batch, length, width))
        return y_BTD


def norm(x: Tensor) -> Tensor:
    """Return x with a root mean square of 1 over its last dimension."""
    return F.rms_norm(x, (x.shape[-1],))


def rotate(x_BHTE: Tensor) -> Tensor:
    """Turn pairs of numbers by angles that grow with the position, so that attention sees distances."""
    length, size = x_BHTE.shape[-2:]
    position_T1 = torch.arange(length, device=x_BHTE.device, dtype=torch.float32)[:, None]
    rate_F = ROTARY_BASE ** (-torch.arange(0, size, 2, device=x_BHTE.device, dtype=torch.float32) / size)
    cosine_TF, sine_TF = (position_T1 * rate_F).cos(), (position_T1 * rate_F).sin()
    left, right = x_BHTE.float().chunk(2, dim=-1)
    turned = torch.cat([left * cosine_TF - right * sine_TF, right * cosine_TF + left * sine_TF], dim=-1)
    return turned.to(x_BHTE.dtype)
