"""Series read at other times than they were measured at, by straight lines between neighbors; not a component.

Shape letters: B batch, T times, C channels.
"""

import torch
from torch import Tensor

__all__ = ["resampled"]


def resampled(series_BTC: Tensor, mask_BT: Tensor, time_BT: Tensor) -> Tensor:
    """Return series as they are at some times, float [B, T] from 0 to the row's last; 0 behind the end of a row."""
    last_B1 = (mask_BT.sum(dim=1) - 1).clamp(min=0)[:, None]
    held_BT = torch.minimum(time_BT.clamp(min=0), last_B1.to(time_BT.dtype))
    before_BT = held_BT.floor().long()
    after_BT = torch.minimum(before_BT + 1, last_B1)
    share_BT1 = (held_BT - before_BT)[..., None].to(series_BTC.dtype)
    first_BTC, second_BTC = (
        series_BTC.gather(1, place_BT[..., None].expand(-1, -1, series_BTC.shape[2])) for place_BT in (before_BT, after_BT)
    )
    return torch.lerp(first_BTC, second_BTC, share_BT1) * mask_BT[..., None].to(series_BTC.dtype)
