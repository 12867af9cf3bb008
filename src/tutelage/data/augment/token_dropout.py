"""Random tokens of each text become the unknown one, so that no single word decides.

When to use it: texts, against learning a few telling words by heart; from about 0.05 to 0.3.

Source: A. Dai and Q. Le, "Semi-supervised Sequence Learning", 2015, arXiv 1511.01432, section 4 (word dropout).
Differs from the paper: the word is replaced by the unknown token, not by zeros.

Shape letters: B batch, T tokens.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Mixed, Text
from tutelage.data.augment.base import Augment
from tutelage.data.augment.draw import draw_uniform

__all__ = ["TokenDropout"]

UNKNOWN = 0
"""Stands for all tokens that a vocabulary does not have."""
BITS = 32
LOW = 2**BITS - 1


class TokenDropout(Augment):
    """How often a token is replaced."""

    kind: Literal["token_dropout"] = "token_dropout"
    probability: float = Field(0.1, ge=0, le=1, description="Probability that a token is replaced by the unknown one.")

    def suits(self, shape: Shape) -> bool:
        """Tell whether a model of this shape receives texts."""
        return shape.view(Text) is not None or shape.view(Mixed) is not None

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with some of `token` [B, T] replaced where `mask` [B, T] says that there is one."""
        token_BT, mask_BT = batch["token"], batch["mask"]
        seed_B = (draw_uniform(token_BT, generator) * 2**24).to(torch.int64)
        is_dropped_BT = (_spread(seed_B, token_BT.shape[1]) < self.probability) & mask_BT
        return batch | {"token": token_BT.masked_fill(is_dropped_BT, UNKNOWN)}


def _spread(seed_B: Tensor, length: int) -> Tensor:
    """Return a number in [0, 1) for each row and place, float64 [B, T], the same for a place however many places there are.

    Several processes pad their parts of a batch to lengths of their own, so a generator cannot draw place by place; a seed a
    row, mixed with the place as in MurmurHash3's end, can.
    """
    place_T = torch.arange(length, device=seed_B.device)
    mixed_BT = (seed_B[:, None] * 0x9E3779B1 + place_T * 0x85EBCA77) & LOW
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed_BT = ((mixed_BT ^ (mixed_BT >> shift)) * factor) & LOW
    uniform_BT: Tensor = (mixed_BT ^ (mixed_BT >> 16)).to(torch.float64) / 2**BITS
    return uniform_BT
