"""Decoder-only transformer: predicts each token from the tokens before it, by attention; for text.

Source: A. Radford et al., "Language Models are Unsupervised Multitask Learners" (GPT-2), 2019; rotary positions: J. Su et
al., "RoFormer", 2021, arXiv 2104.09864, equation 34; query-key norm: A. Henry et al., 2020, arXiv 2010.04245; squared ReLU:
D. So et al., "Primer", 2021, arXiv 2109.08668; SwiGLU: N. Shazeer, 2020, arXiv 2002.05202; capped logits: Gemma 2, 2024,
arXiv 2408.00118, section 2.
Differs from the papers: RMS norms without scales, no biases, branches that start at zero.

Shape letters: B batch, T tokens, D width, H heads, E width of a head, V vocabulary.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Tokens, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.attention import Way, attend, look_back, norm, rotary_tables, rotate
from tutelage.model.layers.roles import mark

__all__ = ["Gpt"]

Past = tuple[Tensor, Tensor]
"""Keys and values [B, H, S, E] of the tokens that a block has read."""


class Gpt(Model):
    """Sizes of the transformer."""

    kind: Literal["gpt"] = "gpt"
    views: ClassVar[tuple[type[View], ...]] = (Tokens,)
    widths_of: ClassVar[tuple[str, ...]] = ("width",)
    depths_of: ClassVar[tuple[str, ...]] = ("depth",)
    width: int = Field(
        128, ge=8, le=2**16, description="Numbers that stand for a token between blocks; a multiple of twice the heads."
    )
    depth: int = Field(4, ge=1, le=1000, description="Blocks.")
    heads: int = Field(4, ge=1, le=1024, description="Attention heads in each block.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Probability that a number is left out after each branch.")
    mlp: Literal["relu2", "swiglu"] = Field("relu2", description="What stands between the two matrices of a block's MLP.")
    positions: Literal["rotary", "none"] = Field("rotary", description="Whether attention sees how far tokens are apart.")
    query_key_norm: bool = Field(True, description="Bring queries and keys to one length, so that no score runs away.")
    cap: float = Field(15.0, ge=0, le=1e6, description="Largest logit, reached smoothly (a tangent hyperbolic); 0 caps none.")
    attention: Way = Field("auto", description="Plain matrix products, torch's fused kernel, or what is faster on the device.")

    @property
    def width_step(self) -> int:
        """Return twice the heads."""
        return 2 * self.heads

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network: token numbers [B, T] -> logits [B, T, num_outputs]."""
        self.require(shape)
        tokens = shape.view(Tokens)
        assert tokens is not None
        if self.width % (2 * self.heads):
            raise RecipeError(f"model.width = {self.width} must be a multiple of twice model.heads = {self.heads}.")
        return Decoder(self, tokens, num_outputs=num_outputs)


@dataclass(frozen=True)
class State:
    """What a decoder remembers of the tokens that it has read.

    Attributes:
        size: Rows.
        num_read: Tokens read in each.
        past: Keys and values of each block; empty before the first token.
    """

    size: int
    num_read: int = 0
    past: tuple[Past, ...] = ()


class Decoder(nn.Module):
    """Embedding, blocks, head."""

    def __init__(self, spec: Gpt, tokens: Tokens, *, num_outputs: int) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = nn.Embedding(tokens.vocabulary_size, spec.width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.depth))
        self.head = mark(nn.Linear(spec.width, num_outputs, bias=False), "output")
        nn.init.zeros_(self.head.weight)
        self.tables: Tensor
        self.register_buffer("tables", rotary_tables(tokens.length, spec.width // spec.heads), persistent=False)

    def forward(self, token_BT: Tensor) -> Tensor:
        """Return logits [B, T, V]."""
        return self._read(token_BT, State(token_BT.shape[0]))[0]

    def begin(self, size: int) -> State:
        """Return the state before the first token, for so many rows."""
        return State(size)

    def step(self, token_B: Tensor, state: State) -> tuple[Tensor, State]:
        """Read one token more; returns logits [B, V] for the next one, as the whole pass gives them, and the new state."""
        return self.read(token_B[:, None], state)

    def read(self, token_BT: Tensor, state: State) -> tuple[Tensor, State]:
        """Read several tokens more; returns logits [B, V] for the next one, and the new state."""
        logits_BTV, state = self._read(token_BT, state)
        return logits_BTV[:, -1], state

    def _read(self, token_BT: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits [B, T, V] and the state after these tokens."""
        length, before = token_BT.shape[1], state.num_read
        seen_TS = look_back(length, num_before=before, device=token_BT.device)
        tables_2TF = self._angles(before, before + length)
        past: list[Past] = []
        x_BTD = norm(self.embedding(token_BT))
        for number, block in enumerate(self.blocks):
            x_BTD, known = block(x_BTD, seen_TS, tables_2TF, state.past[number] if state.past else None)
            past.append(known)
        logits_BTV: Tensor = self.head(norm(x_BTD))
        if self.spec.cap:
            logits_BTV = self.spec.cap * torch.tanh(logits_BTV.float() / self.spec.cap)
        return logits_BTV, State(state.size, before + length, tuple(past))

    def _angles(self, start: int, stop: int) -> Tensor | None:
        """Return the tables of the positions from `start` to `stop - 1`; None where positions do not count."""
        if self.spec.positions == "none":
            return None
        if torch.compiler.is_exporting():
            # A slice would be drawn as one that is never as long as the whole, which lies in memory in another way.
            return self.tables.index_select(1, torch.arange(start, stop, device=self.tables.device))
        if stop <= self.tables.shape[1]:
            return self.tables[:, start:stop]
        return rotary_tables(stop, 2 * self.tables.shape[2], device=self.tables.device)[:, start:]


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)); both branches start at zero."""

    def __init__(self, spec: Gpt) -> None:
        super().__init__()
        self.spec = spec
        self.qkv = nn.Linear(spec.width, 3 * spec.width, bias=False)
        self.out = nn.Linear(spec.width, spec.width, bias=False)
        # A gate has a matrix more: two thirds of the width keep the number of parameters.
        hidden = 4 * spec.width if spec.mlp == "relu2" else 8 * (spec.width // 3)
        self.up = nn.Linear(spec.width, hidden if spec.mlp == "relu2" else 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, spec.width, bias=False)
        self.dropout = nn.Dropout(spec.dropout)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x_BTD: Tensor, seen_TS: Tensor | None, tables_2TF: Tensor | None, past: Past | None) -> tuple[Tensor, Past]:
        """Return a tensor of the same shape, and the keys and values of all tokens read so far.

        Args:
            x_BTD: The tokens.
            seen_TS: Which tokens each of them sees.
            tables_2TF: Cosine and sine of their positions; None where these do not count.
            past: Keys and values of the tokens before; None where there are none.
        """
        attended_BTD, known = self.attend(norm(x_BTD), seen_TS, tables_2TF, past)
        x_BTD = x_BTD + self.dropout(attended_BTD)
        up = self.up(norm(x_BTD))
        if self.spec.mlp == "relu2":
            hidden = F.relu(up).square()
        else:
            value, gate = up.chunk(2, dim=-1)
            hidden = value * F.silu(gate)
        return x_BTD + self.dropout(self.down(hidden)), known

    def attend(self, x_BTD: Tensor, seen_TS: Tensor | None, tables_2TF: Tensor | None, past: Past | None) -> tuple[Tensor, Past]:
        """Let each token look at itself and those before it."""
        batch, length, width = x_BTD.shape
        qkv = self.qkv(x_BTD).view(batch, length, 3, self.spec.heads, width // self.spec.heads)
        q_BHTE, k_BHTE, v_BHTE = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        if self.spec.query_key_norm:
            q_BHTE, k_BHTE = norm(q_BHTE), norm(k_BHTE)
        if tables_2TF is not None:
            q_BHTE, k_BHTE = rotate(q_BHTE, tables_2TF), rotate(k_BHTE, tables_2TF)
        k_BHSE, v_BHSE = (k_BHTE, v_BHTE) if past is None else (torch.cat([past[0], k_BHTE], 2), torch.cat([past[1], v_BHTE], 2))
        y_BHTE = attend(q_BHTE, k_BHSE, v_BHSE, seen_TS=seen_TS, way=self.spec.attention)
        y_BTD: Tensor = self.out(y_BHTE.transpose(1, 2).reshape(batch, length, width))
        return y_BTD, (k_BHSE, v_BHSE)
