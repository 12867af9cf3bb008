"""Linear recurrences, all steps at once: h_t = a_t h_(t-1) + b_t, with h before the first step 0.

The steps are cut into about sqrt(T) pieces of sqrt(T) steps: all pieces run side by side, then what each hands to the next is
added. So there are 2 sqrt(T) operations one after another in place of T. Only products of factors in [0, 1] occur, and so
nothing overflows or cancels: in log space, sums over thousands of steps would lose digits.

Source: G. Blelloch, "Prefix Sums and Their Applications", 1990, section 1.4; the gradient is the same recurrence backwards.
Differs from the paper: two levels in place of a tree.

Shape letters: B batch, T steps, D width, P pieces, S steps of a piece.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

__all__ = ["scan"]

DOUBLINGS = 17
"""131,072 steps: more than any row has."""


def scan(keep_BTD: Tensor, add_BTD: Tensor) -> Tensor:
    """Return h [B, T, D]; `keep_BTD`, in [0, 1], is a and `add_BTD` is b, both float32."""
    if torch.compiler.is_exporting():
        return _doubled(keep_BTD, add_BTD)
    result: Tensor = _Scan.apply(keep_BTD, add_BTD)  # type: ignore[no-untyped-call]
    return result


class _Scan(torch.autograd.Function):
    """The recurrence with its gradient."""

    @staticmethod
    def forward(ctx: Any, keep_BTD: Tensor, add_BTD: Tensor) -> Tensor:
        h_BTD = _run(keep_BTD, add_BTD)
        ctx.save_for_backward(keep_BTD, h_BTD)
        return h_BTD

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BTD: Tensor) -> tuple[Tensor, Tensor]:
        keep_BTD, h_BTD = ctx.saved_tensors
        # What a step adds counts at once, and through every step that keeps it.
        kept_BTD = F.pad(keep_BTD[:, 1:], (0, 0, 0, 1))
        add_BTD = _run(kept_BTD.flip(1), grad_BTD.flip(1)).flip(1)
        before_BTD = F.pad(h_BTD[:, :-1], (0, 0, 1, 0))
        return add_BTD * before_BTD, add_BTD


def _doubled(keep_BTD: Tensor, add_BTD: Tensor) -> Tensor:
    """Return h by doubling how many steps are looked at, for graphs that take any number of steps up to 2^`DOUBLINGS`."""
    step_T = torch.arange(add_BTD.shape[1], device=add_BTD.device)
    for power in range(DOUBLINGS):
        # Looked up, not padded: 2^16 rows of zeros before a few steps would be gigabytes.
        place_T = step_T - 2**power
        is_there_T1, place_T = (place_T >= 0).unsqueeze(-1), place_T.clamp(min=0)
        earlier_BTD = torch.where(is_there_T1, add_BTD.index_select(1, place_T), 0.0)
        add_BTD = add_BTD + keep_BTD * earlier_BTD
        keep_BTD = torch.where(is_there_T1, keep_BTD * keep_BTD.index_select(1, place_T), 0.0)
    return add_BTD


def _run(keep_BTD: Tensor, add_BTD: Tensor) -> Tensor:
    """Return h, without a gradient."""
    batch, length, width = add_BTD.shape
    size = max(1, math.isqrt(length - 1) + 1)
    pieces = -(-length // size)
    padding = (0, 0, 0, pieces * size - length)
    keep_BPSD = F.pad(keep_BTD, padding).view(batch, pieces, size, width)
    add_BPSD = F.pad(add_BTD, padding).view(batch, pieces, size, width)
    h_BPD, kept_BPD = add_BPSD[:, :, 0], keep_BPSD[:, :, 0]
    own, kept = [h_BPD], [kept_BPD]
    for step in range(1, size):
        h_BPD = torch.addcmul(add_BPSD[:, :, step], keep_BPSD[:, :, step], h_BPD)
        kept_BPD = kept_BPD * keep_BPSD[:, :, step]
        own.append(h_BPD)
        kept.append(kept_BPD)
    handed_BD = torch.zeros_like(h_BPD[:, 0])
    before = []
    for piece in range(pieces):
        before.append(handed_BD)
        handed_BD = torch.addcmul(h_BPD[:, piece], kept_BPD[:, piece], handed_BD)
    h_BPSD = torch.addcmul(torch.stack(own, dim=2), torch.stack(kept, dim=2), torch.stack(before, dim=1)[:, :, None])
    return h_BPSD.view(batch, pieces * size, width)[:, :length]
