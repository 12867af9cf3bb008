"""Attention: each token weighs itself and those before it, or all; rotary positions, plain or fused products.

Shape letters: B batch, T tokens, S tokens that can be seen, H heads, E width of a head, F = E / 2.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Way", "attend", "look_back", "norm", "rotary_tables", "rotate"]

Way = Literal["auto", "plain", "flash"]
ROTARY_BASE = 10_000.0
"""Wavelength of the slowest rotation over 2 pi, in tokens."""
PLAIN_LENGTH = 512
"""Tokens up to which plain products are used on a CPU: its fused kernel is slow backwards; beyond, memory counts more."""


def attend(q_BHTE: Tensor, k_BHSE: Tensor, v_BHSE: Tensor, *, seen_TS: Tensor | None, way: Way) -> Tensor:
    """Return what each token gathers, [B, H, T, E].

    Args:
        q_BHTE: What each token asks.
        k_BHSE: What each token that can be seen answers to.
        v_BHSE: What it gives.
        seen_TS: Which tokens each one sees, as `look_back` says: itself and those before it; None where each sees all.
        way: How it is computed; `auto` takes what is faster on the device.
    """
    is_whole = q_BHTE.shape[2] == k_BHSE.shape[2]
    if is_whole and is_fused(way, device=q_BHTE.device.type, length=k_BHSE.shape[2]):
        return F.scaled_dot_product_attention(q_BHTE, k_BHSE, v_BHSE, is_causal=seen_TS is not None)
    score_BHTS = (q_BHTE * q_BHTE.shape[-1] ** -0.5) @ k_BHSE.transpose(-2, -1)
    if seen_TS is not None:
        score_BHTS = score_BHTS.masked_fill(~seen_TS, -torch.inf)
    weight_BHTS = torch.softmax(score_BHTS, dim=-1, dtype=torch.float32).to(v_BHSE.dtype)
    gathered: Tensor = weight_BHTS @ v_BHSE
    return gathered


def is_fused(way: Way, *, device: str, length: int) -> bool:
    """Tell whether torch's fused kernel computes it; in a graph that is drawn for any length, plain products do."""
    if way == "auto" and torch.compiler.is_exporting():
        return False
    return way == "flash" or (way == "auto" and (device != "cpu" or length > PLAIN_LENGTH))


def look_back(length: int, *, num_before: int = 0, device: torch.device) -> Tensor | None:
    """Return which tokens each of the last `length` sees, bool [T, S], S = num_before + length; None for a single token."""
    if not torch.compiler.is_exporting() and length == 1:
        return None
    return torch.ones(length, num_before + length, dtype=torch.bool, device=device).tril(num_before)


def norm(x: Tensor) -> Tensor:
    """Return x with a root mean square of 1 over its last dimension."""
    return F.rms_norm(x, (x.shape[-1],))


def rotary_tables(length: int, width: int, *, device: torch.device | None = None) -> Tensor:
    """Return cosine and sine of each position's angles, float32 [2, T, F]; `width` is that of a head."""
    position_T1 = torch.arange(length, dtype=torch.float32, device=device)[:, None]
    rate_F = ROTARY_BASE ** (-torch.arange(0, width, 2, dtype=torch.float32, device=device) / width)
    angle_TF = position_T1 * rate_F
    return torch.stack([angle_TF.cos(), angle_TF.sin()])


def rotate(x_BHTE: Tensor, tables_2TF: Tensor) -> Tensor:
    """Turn pairs of numbers by angles that grow with the position, so that attention sees distances."""
    cosine_TF, sine_TF = tables_2TF.unbind(0)
    left, right = x_BHTE.float().chunk(2, dim=-1)
    turned = torch.cat([left * cosine_TF - right * sine_TF, right * cosine_TF + left * sine_TF], dim=-1)
    return turned.to(x_BHTE.dtype)
