"""Pieces of unequal length to one tensor and a mask; the finisher of ragged rows.

Not a component. Shape letters: B batch, T places, L all pieces one after another.
"""

import torch
from torch import Tensor, nn

from tutelage.data.rows.base import LENGTH, PLACE

__all__ = ["Pad"]


class Pad(nn.Module):
    """Pads what `RaggedRows` gives under one name; several names take one `Pad` each, in an `nn.Sequential`.

    A row's own places are the same whatever batch it is in; only the number of places behind them differs.
    """

    def __init__(
        self, name: str, *, mask: str = "mask", multiple: int = 1, value: float = 0, dtype: torch.dtype | None = None
    ) -> None:
        """Say how to pad.

        Args:
            name: Of the pieces; they become [B, T, ...] under the same name.
            mask: Name of the mask, bool [B, T]: True where a row has a value.
            multiple: T is rounded up to a multiple of this, so that there are few different shapes; at least 1.
            value: Stands where a row has none.
            dtype: What values are turned into, such as int64 for token numbers kept in fewer bits; None leaves them.
        """
        super().__init__()
        self.name, self.mask = name, mask
        self.multiple, self.value, self.dtype = multiple, value, dtype

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the batch with pieces padded and a mask, in place of pieces, lengths and places."""
        name = self.name
        length_B = batch[name + LENGTH]
        values_L = batch[name] if self.dtype is None else batch[name].to(self.dtype)
        # Shapes are known without asking the device. A batch of empty rows still gets a place: models need one.
        num_places = -(-max(1, len(batch[name + PLACE])) // self.multiple) * self.multiple
        place_T = torch.arange(num_places, device=values_L.device)
        mask_BT = place_T < length_B[:, None]
        others = {key: value for key, value in batch.items() if key not in (name, name + LENGTH, name + PLACE)}
        return {name: self._spread(values_L, length_B, mask_BT), self.mask: mask_BT, **others}

    def _spread(self, values_L: Tensor, length_B: Tensor, mask_BT: Tensor) -> Tensor:
        """Return [B, T, ...]: each value at its place, the padding value at the others."""
        sizes = values_L.shape[1:]
        if not len(values_L):
            return values_L.new_full((*mask_BT.shape, *sizes), self.value)
        begin_B1 = (length_B.cumsum(0) - length_B)[:, None]
        source_BT = torch.where(mask_BT, begin_B1 + torch.arange(mask_BT.shape[1], device=values_L.device), 0)
        spread = values_L.index_select(0, source_BT.flatten()).view(*mask_BT.shape, *sizes)
        return torch.where(mask_BT.view(*mask_BT.shape, *[1] * len(sizes)), spread, self.value)
