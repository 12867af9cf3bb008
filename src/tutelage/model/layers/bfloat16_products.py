"""Products of float32 matrices in bfloat16, where gradients are computed by hand and no autocast stands around them.

Source: Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training", 2019, arXiv 1905.12322, section 3: products of
bfloat16 numbers are added up in float32, weights and moments stay float32. Differs from it: results are rounded to bfloat16 as
well, since torch gives no others.
"""

import torch
from torch import Tensor

__all__ = ["Bfloat16Products"]

LEAST_PRODUCTS = 2**22
"""Multiplications from which it pays to round both sides (256 x 256 x 256 on a Zen 5: 200 microseconds, in float32 334)."""


class Bfloat16Products:
    """Makes products, in memory that is used again and again: what lies in no cache costs as much as it gains."""

    def __init__(self) -> None:
        """Take no memory yet."""
        self._held = [torch.empty(0, dtype=torch.bfloat16) for _ in range(3)]

    @staticmethod
    def pay(rows: int, inputs: int, outputs: int) -> bool:
        """Tell whether a product of [rows, inputs] and [inputs, outputs] is large enough."""
        return rows * inputs * outputs >= LEAST_PRODUCTS

    def into(self, out_MN: Tensor, left_MK: Tensor, right_KN: Tensor) -> Tensor:
        """Write the product of both sides, float32 and rounded to bfloat16 here, into `out_MN`, float32, and return that."""
        left, right, found = self._like(0, left_MK), self._like(1, right_KN), self._like(2, out_MN)
        left.copy_(left_MK)
        right.copy_(right_KN)
        torch.mm(left, right, out=found)
        return out_MN.copy_(found)

    def _like(self, place: int, matrix: Tensor) -> Tensor:
        """Return memory for a matrix, turned as that is: rounding then runs through both in order."""
        if self._held[place].numel() < matrix.numel():
            self._held[place] = torch.empty(matrix.numel(), dtype=torch.bfloat16)
        flat, (rows, columns) = self._held[place][: matrix.numel()], matrix.shape
        return flat.view(rows, columns) if matrix.is_contiguous() else flat.view(columns, rows).t()
