"""Layers over series of unequal length in one batch, for which what is behind the end of a row does not exist; not a component.

Rows are pictures of height 1, since processors are twice as fast at these as at rows: [B, C, 1, T], 0 behind the end of a row; a
mask [B, 1, 1, T] is True before it.

Shape letters: B batch, C channels, H = 1, T times.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["MaskedBatchNorm", "mean_and_max", "strided_mask", "windowed_max"]

LOWEST = -3.0e38


class MaskedBatchNorm(nn.BatchNorm2d):
    """Batch norm whose statistics are those of the values that are there; what is not there becomes 0."""

    def forward(self, x_BCHT: Tensor, mask_B1HT: Tensor) -> Tensor:  # type: ignore[override]
        """Return a tensor of the same shape."""
        assert self.running_mean is not None
        assert self.running_var is not None
        there_B1HT = mask_B1HT.to(x_BCHT.dtype)
        if self.training:
            count = there_B1HT.sum(dtype=torch.float32).clamp(min=1)
            values_BCHT = x_BCHT.float()
            mean_C = (values_BCHT * there_B1HT).sum(dim=(0, 2, 3)) / count
            var_C = ((values_BCHT - mean_C[:, None, None]).square() * there_B1HT).sum(dim=(0, 2, 3)) / count
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
        normed_BCHT = x_BCHT * scale_C[:, None, None].to(x_BCHT.dtype) + shift_C[:, None, None].to(x_BCHT.dtype)
        return normed_BCHT * there_B1HT


def windowed_max(x_BCHT: Tensor, mask_B1HT: Tensor, *, window: int) -> Tensor:
    """Return the largest value in a window around each time, of the same shape; an odd window."""
    highest_BCHT = F.max_pool2d(x_BCHT.masked_fill(~mask_B1HT, LOWEST), (1, window), stride=1, padding=(0, window // 2))
    return highest_BCHT.masked_fill(~mask_B1HT, 0)


def mean_and_max(x_BCHT: Tensor, mask_B1HT: Tensor) -> Tensor:
    """Return mean and largest value of each channel over the times that are there, [B, 2 C]."""
    there_B1HT = mask_B1HT.to(x_BCHT.dtype)
    mean_BC = (x_BCHT * there_B1HT).sum(dim=(2, 3)) / there_B1HT.sum(dim=(2, 3)).clamp(min=1)
    return torch.cat([mean_BC, x_BCHT.masked_fill(~mask_B1HT, LOWEST).amax(dim=(2, 3))], dim=1)


def strided_mask(mask_B1HT: Tensor, stride: int) -> Tensor:
    """Return which of every `stride`-th time there are, [B, 1, H, ceil(T / stride)]."""
    return mask_B1HT[..., ::stride]
