"""Layers over series of unequal length in one batch, for which what is behind the end of a row does not exist; not a component.

Shape letters: B batch, C channels, T times. Rows are [B, C, T], 0 behind their end; a mask [B, 1, T] is True before it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["MaskedBatchNorm", "mean_and_max", "strided_mask", "windowed_max"]

LOWEST = -3.0e38


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch norm whose statistics are those of the values that are there; what is not there becomes 0."""

    def forward(self, x_BCT: Tensor, mask_B1T: Tensor) -> Tensor:  # type: ignore[override]
        """Return a tensor of the same shape."""
        assert self.running_mean is not None
        assert self.running_var is not None
        there_B1T = mask_B1T.to(x_BCT.dtype)
        if self.training:
            count = there_B1T.sum(dtype=torch.float32).clamp(min=1)
            values_BCT = x_BCT.float()
            mean_C = (values_BCT * there_B1T).sum(dim=(0, 2)) / count
            var_C = ((values_BCT - mean_C[:, None]).square() * there_B1T).sum(dim=(0, 2)) / count
            with torch.no_grad():
                share = self.momentum or 0.1
                self.running_mean.lerp_(mean_C.detach().to(self.running_mean.dtype), share)
                unbiased_C = var_C.detach() * count / (count - 1).clamp(min=1)
                self.running_var.lerp_(unbiased_C.to(self.running_var.dtype), share)
                if self.num_batches_tracked is not None:
                    self.num_batches_tracked += 1
        else:
            mean_C, var_C = self.running_mean, self.running_var
        scale_C = self.weight * torch.rsqrt(var_C + self.eps)
        shift_C = self.bias - mean_C * scale_C
        normed_BCT = x_BCT * scale_C[:, None].to(x_BCT.dtype) + shift_C[:, None].to(x_BCT.dtype)
        return normed_BCT * there_B1T


def windowed_max(x_BCT: Tensor, mask_B1T: Tensor, *, window: int) -> Tensor:
    """Return the largest value in a window around each time, [B, C, T]; an odd window."""
    highest_BCT = F.max_pool1d(x_BCT.masked_fill(~mask_B1T, LOWEST), window, stride=1, padding=window // 2)
    return highest_BCT.masked_fill(~mask_B1T, 0)


def mean_and_max(x_BCT: Tensor, mask_B1T: Tensor) -> Tensor:
    """Return mean and largest value of each channel over the times that are there, [B, 2 C]."""
    there_B1T = mask_B1T.to(x_BCT.dtype)
    mean_BC = (x_BCT * there_B1T).sum(dim=2) / there_B1T.sum(dim=2).clamp(min=1)
    return torch.cat([mean_BC, x_BCT.masked_fill(~mask_B1T, LOWEST).amax(dim=2)], dim=1)


def strided_mask(mask_B1T: Tensor, stride: int) -> Tensor:
    """Return which of every `stride`-th time there are, [B, 1, ceil(T / stride)]."""
    return mask_B1T[:, :, ::stride]
