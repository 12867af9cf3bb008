"""Transformer over patches: stretches of a series look at one another, beside a linear path; for forecasts.

When to use it: a few hundred windows and more. All series share the weights, and each is continued from its own past alone.

Source: Y. Nie et al., "A Time Series is Worth 64 Words: Long-term Forecasting with Transformers" (PatchTST), 2023, arXiv
2211.14730, section 3.1; the linear path: A. Zeng et al., "Are Transformers Effective for Time Series Forecasting?" (NLinear),
2023, arXiv 2205.13504, section 4.
Differs from the papers: the linear path begins by saying what is usual; RMS norms in front of each branch, query-key norm,
squared ReLU, branches that start at zero; patches end at the last value; what is known beforehand is seen in the patches, and at
each coming time weighed by the series' own state.

Shape letters: B batch, C channels, N = B C, L times before, H times after, K known numbers, T patches, P times in a patch,
D width, E width of a head.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import History, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.attention import attend, norm, rotary_tables, rotate
from tutelage.model.layers.repeating import Repeating
from tutelage.model.layers.reversible import Level, reversible
from tutelage.model.layers.roles import mark

__all__ = ["PatchTransformer"]


class PatchTransformer(Model):
    """Sizes of the transformer."""

    kind: Literal["patch_transformer"] = "patch_transformer"
    views: ClassVar[tuple[type[View], ...]] = (History,)
    widths_of: ClassVar[tuple[str, ...]] = ("width",)
    depths_of: ClassVar[tuple[str, ...]] = ("depth",)
    width: int = Field(32, ge=8, le=2**16, description="Numbers that stand for a patch; a multiple of twice the heads.")
    depth: int = Field(2, ge=1, le=1000, description="Blocks. Typical: 1 to 3.")
    heads: int = Field(4, ge=1, le=1024, description="Attention heads in each block.")
    patch: int = Field(16, ge=1, le=2**16, description="Times in a patch; all of them where a window is shorter.")
    stride: int = Field(8, ge=1, le=2**16, description="Times from one patch to the next.")
    expansion: int = Field(4, ge=1, le=16, description="Hidden units of the perceptron in each block, over the width.")
    dropout: float = Field(
        0.2, ge=0, lt=1, description="Probability that a number is left out, of patches, after each branch and before the head."
    )
    linear: bool = Field(True, description="Whether a linear model of the window stands beside the transformer.")
    level: Level = Field("mean", description="What is subtracted from a window before it is read: its mean, or its last value.")

    @property
    def width_step(self) -> int:
        """Return twice the heads."""
        return 2 * self.heads

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network: past [B, L, C] and, where there are any, known numbers [B, L + H, K] -> [B, H, C]."""
        self.require(shape)
        history = shape.view(History)
        assert history is not None
        if self.width % (2 * self.heads):
            raise RecipeError(f"model.width = {self.width} must be a multiple of twice model.heads = {self.heads}.")
        return PatchNet(self, history)


class PatchNet(nn.Module):
    """Patches, blocks, a linear head over all patches, and the linear path."""

    def __init__(self, spec: PatchTransformer, history: History) -> None:
        super().__init__()
        self.spec, self.length, self.horizon = spec, history.length, history.horizon
        self.patch = min(spec.patch, history.length)
        self.stride = min(spec.stride, self.patch)
        self.front = -(history.length - self.patch) % self.stride
        self.num_patches = (history.length + self.front - self.patch) // self.stride + 1
        self.embed = mark(nn.Linear(self.patch, spec.width), "input")
        self.position = mark(nn.Embedding(self.num_patches, spec.width), "input")
        nn.init.normal_(self.position.weight, std=0.02)
        self.known = Known(history.known, patch=self.patch, width=spec.width) if history.known else None
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.depth))
        self.dropout = nn.Dropout(spec.dropout)
        self.head = mark(nn.Linear(self.num_patches * spec.width, history.horizon), "output")
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.linear = Repeating(history) if spec.linear else None

    def forward(self, past_BLC: Tensor, known_BSK: Tensor | None = None) -> Tensor:
        """Return [B, H, C]."""
        batch, _, channels = past_BLC.shape
        scale = reversible(past_BLC, level=self.spec.level)
        past_NL = scale.apply(past_BLC.float()).transpose(1, 2).reshape(batch * channels, self.length)
        x_NTD = self.embed(self.cut(past_NL)) + self.position.weight
        if self.known is not None and known_BSK is not None:
            seen_BTD = self.known.seen(self.cut(known_BSK[:, : self.length].transpose(1, 2)))
            x_NTD = x_NTD + seen_BTD.repeat_interleave(channels, dim=0)
        x_NTD = self.dropout(x_NTD)
        tables_2TF = rotary_tables(self.num_patches, self.spec.width // self.spec.heads, device=x_NTD.device)
        for block in self.blocks:
            x_NTD = block(x_NTD, tables_2TF)
        x_NTD = norm(x_NTD)
        answer_NH = self.head(self.dropout(x_NTD.flatten(1)))
        if self.linear is not None:
            answer_NH = answer_NH + self.linear(past_NL)
        answer_BHC = answer_NH.view(batch, channels, self.horizon).transpose(1, 2)
        if self.known is not None and known_BSK is not None:
            answer_BHC = answer_BHC + self.known.coming(x_NTD.mean(dim=1), known_BSK[:, self.length :])
        return scale.undo(answer_BHC)

    def cut(self, x: Tensor) -> Tensor:
        """Return patches [..., T, P] of values over time [..., L]; the last one ends at the last value."""
        if self.front:
            x = torch.cat([x[..., :1].expand(*x.shape[:-1], self.front), x], dim=-1)
        return x.unfold(-1, self.patch, self.stride)


class Known(nn.Module):
    """What is known beforehand: its part in each patch, and its part in the answer for each coming time."""

    def __init__(self, num_known: int, *, patch: int, width: int) -> None:
        super().__init__()
        self.patch = patch
        self.embed = mark(nn.Linear(num_known * patch, width, bias=False), "input")
        self.step = mark(nn.Linear(num_known, width), "input")
        self.ask = mark(nn.Linear(width, width), "output")
        nn.init.zeros_(self.ask.weight)
        nn.init.zeros_(self.ask.bias)

    def named_places(self, entries: Mapping[str, tuple[str, ...]]) -> dict[str, dict[int, tuple[str, ...]]]:
        """Name what inputs stand for: what is known of each time, in a patch once for each of its places."""
        names = entries.get("known", ())
        in_patch = tuple(f"{name} at {place}" for name in names for place in range(self.patch))
        return {"embed.weight": {1: in_patch}, "step.weight": {1: names}} if names else {}

    def seen(self, patch_BKTP: Tensor) -> Tensor:
        """Return what patches of the past add, [B, T, D]."""
        added_BTD: Tensor = self.embed(patch_BKTP.transpose(1, 2).flatten(2))
        return added_BTD

    def coming(self, state_ND: Tensor, known_BHK: Tensor) -> Tensor:
        """Return what coming times add, [B, H, C]: what is known of each, weighed as each series' state asks."""
        step_BHD = F.silu(self.step(known_BHK))
        asked_BCD = self.ask(state_ND).view(known_BHK.shape[0], -1, state_ND.shape[-1])
        added_BHC: Tensor = step_BHD @ asked_BCD.transpose(1, 2) * step_BHD.shape[-1] ** -0.5
        return added_BHC


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)); both branches start at zero."""

    def __init__(self, spec: PatchTransformer) -> None:
        super().__init__()
        self.heads = spec.heads
        self.qkv = nn.Linear(spec.width, 3 * spec.width, bias=False)
        self.out = nn.Linear(spec.width, spec.width, bias=False)
        self.up = nn.Linear(spec.width, spec.expansion * spec.width, bias=False)
        self.down = nn.Linear(spec.expansion * spec.width, spec.width, bias=False)
        self.dropout = nn.Dropout(spec.dropout)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x_NTD: Tensor, tables_2TF: Tensor) -> Tensor:
        """Return the same shape; `tables_2TF` are cosine and sine of the patches' places."""
        x_NTD = x_NTD + self.dropout(self.attend(norm(x_NTD), tables_2TF))
        ahead_NTD: Tensor = x_NTD + self.dropout(self.down(F.relu(self.up(norm(x_NTD))).square()))
        return ahead_NTD

    def attend(self, x_NTD: Tensor, tables_2TF: Tensor) -> Tensor:
        """Let each patch look at all."""
        batch, length, width = x_NTD.shape
        qkv = self.qkv(x_NTD).view(batch, length, 3, self.heads, width // self.heads)
        q_NHTE, k_NHTE, v_NHTE = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        q_NHTE, k_NHTE = rotate(norm(q_NHTE), tables_2TF), rotate(norm(k_NHTE), tables_2TF)
        y_NHTE = attend(q_NHTE, k_NHTE, v_NHTE.to(q_NHTE.dtype), seen_TS=None, way="auto")
        y_NTD: Tensor = self.out(y_NHTE.transpose(1, 2).reshape(batch, length, width))
        return y_NTD
