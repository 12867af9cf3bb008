"""Random kernels inside an exported graph: the same sums in the same order as outside, for series of any length.

Not a component. Shape letters: B series, T times, C channels, G kernels of one dilation, F features, K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.intake import Feed, Intake, RawInput
from tutelage.data.prepare.series import FARTHEST
from tutelage.data.prepare.series_intake import Filled, SeriesIntake
from tutelage.floor.kernel_features import KERNELS, TAPS, KernelBank, KernelNumbers

__all__ = ["KernelIntake"]

NOWHERE = -3.0e38
LENGTH = 33
"""Times of the series by which a graph is drawn; it takes any number."""


@dataclass(frozen=True)
class KernelIntake(Intake):
    """Series in their own unit, to answers.

    Attributes:
        numbers: What the kernels have learned.
        pieces: Numbers of equal pieces, of each of which the level is taken.
    """

    numbers: KernelNumbers
    pieces: tuple[int, ...]

    @property
    def inputs(self) -> tuple[RawInput, ...]:
        """Values and lengths, as a network takes them."""
        return self._series.inputs

    def module(self) -> nn.Module:
        """Return the module that gives `answers`."""
        return _Kernels(self)

    def feed(self, part: RowsPart) -> Feed:
        """Yield series as they were read."""
        return self._series.feed(part)

    @property
    def _series(self) -> SeriesIntake:
        center, scale = tuple(self.numbers.center.tolist()), tuple(self.numbers.scale.tolist())
        return SeriesIntake(center, scale, "train", FARTHEST, LENGTH)


class _Kernels(nn.Module):
    """Raw series to answers float64 [B, K], or [B] where numbers are answered."""

    center: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, intake: KernelIntake) -> None:
        super().__init__()
        numbers = intake.numbers
        self.filled = Filled(numbers.center)
        self.pieces, self.sharpness, self.num_classes = intake.pieces, numbers.sharpness, numbers.num_classes
        for name in ("center", "scale", "weight", "bias"):
            self.register_buffer(name, torch.from_numpy(np.array(getattr(numbers, name), dtype=np.float64)), persistent=False)
        self.banks = nn.ModuleList(_Bank(bank) for bank in numbers.banks)

    def forward(self, raw: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return `answers`."""
        filled_BTC, mask_BT = self.filled(raw)
        scaled_BTC = torch.clamp((filled_BTC - self.center) / self.scale, -FARTHEST, FARTHEST)
        held_BCT = (torch.where(mask_BT[..., None], scaled_BTC, 0.0)).float().transpose(1, 2)
        length_B = raw["series_length"]
        found = []
        for order, bank in enumerate(self.banks):
            values_BCT = held_BCT
            if order:
                is_inside_BT = torch.arange(held_BCT.shape[2] - 1) < length_B[:, None] - 1
                values_BCT = torch.where(is_inside_BT[:, None], held_BCT[:, :, 1:] - held_BCT[:, :, :-1], 0.0)
            found.append(bank(values_BCT, length_B - order).double())
        raw_BF = torch.cat([*found, _plain(held_BCT.double(), length_B, self.pieces)], dim=1)
        score_BK = raw_BF @ self.weight + self.bias
        return {"answers": torch.softmax(self.sharpness * score_BK, dim=1) if self.num_classes else score_BK[:, 0]}


class _Bank(nn.Module):
    """Series float32 [B, C, T] to features float32 [B, F]."""

    def __init__(self, bank: KernelBank) -> None:
        super().__init__()
        self.dilations = nn.ModuleList(_Dilation(bank, dilation) for dilation in np.unique(bank.dilation).tolist())

    def forward(self, values_BCT: Tensor, length_B: Tensor) -> Tensor:
        """Return the features, dilation by dilation: groups of one dilation stand together."""
        return torch.cat([dilation(values_BCT, length_B) for dilation in self.dilations], dim=1)


class _Dilation(nn.Module):
    """The kernels of one dilation."""

    channels: Tensor
    bias: Tensor
    place: Tensor
    twos: Tensor
    is_inner: Tensor

    def __init__(self, bank: KernelBank, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        groups = np.flatnonzero(bank.dilation == dilation)
        self.channels = torch.from_numpy(bank.channel[groups])
        ends = np.cumsum(bank.count)
        own = np.concatenate([np.arange(ends[group] - bank.count[group], ends[group]) for group in groups])
        place_F = np.repeat(np.arange(len(groups)), bank.count[groups])
        twos = np.array([KERNELS[group % len(KERNELS)] for group in groups])
        is_inner_F = ((groups + groups // len(KERNELS)) % 2 == 1)[place_F]
        for name, values in {"bias": bank.bias[own], "place": place_F, "twos": twos, "is_inner": is_inner_F}.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(values)), persistent=False)

    def forward(self, values_BCT: Tensor, length_B: Tensor) -> Tensor:
        """Return float32 [B, F]."""
        answer_BFT = self._answers(values_BCT).index_select(1, self.place)
        reach = self.dilation * (TAPS // 2)
        begin_B = torch.where(length_B > 2 * reach, reach, 0)
        time_T = torch.arange(values_BCT.shape[2])
        inner_BT = (time_T >= begin_B[:, None]) & (time_T < (length_B - begin_B)[:, None])
        whole_BT = time_T < length_B[:, None]
        # ONNX Runtime has no choice between truth values.
        is_inner_F1 = self.is_inner[:, None]
        counts_BFT = (inner_BT[:, None] & is_inner_F1) | (whole_BT[:, None] & ~is_inner_F1)
        times_BF = torch.where(self.is_inner, (length_B - 2 * begin_B)[:, None], length_B[:, None])
        hits_BF = ((answer_BFT > self.bias[:, None]) & counts_BFT).sum(dim=2)
        return hits_BF.float() / times_BF.float()

    def _answers(self, values_BCT: Tensor) -> Tensor:
        """Return the answers of all kernels, [B, G, T]: thrice the places of weight 2 less all nine."""
        length, reach = values_BCT.shape[2], self.dilation * (TAPS // 2)
        padded_BCS = F.pad(values_BCT, (reach, reach))
        is_single = self.channels.shape[1] == 1
        summed = padded_BCS if is_single else _summed(padded_BCS, self.channels)
        taps = [summed[:, :, tap * self.dilation :][:, :, :length] for tap in range(TAPS)]
        total = taps[0]
        for tap in taps[1:]:
            total = total + tap
        first, second, third = self.twos.unbind(dim=1)
        if is_single:
            stacked_BNT = torch.cat(taps, dim=1)
            chosen = stacked_BNT.index_select(1, first) + stacked_BNT.index_select(1, second) + stacked_BNT.index_select(1, third)
        else:
            stacked_BGNT = torch.stack(taps, dim=2)
            row_G = torch.arange(stacked_BGNT.shape[1])
            chosen = stacked_BGNT[:, row_G, first] + stacked_BGNT[:, row_G, second] + stacked_BGNT[:, row_G, third]
        return chosen * 3 - total


def _summed(padded_BCS: Tensor, channel_GC: Tensor) -> Tensor:
    """Return for each kernel the sum of its channels, one after another, [B, G, S]."""
    summed_BGS = torch.zeros_like(padded_BCS[:, :1]).expand(-1, channel_GC.shape[0], -1)
    for channel in range(channel_GC.shape[1]):
        own_G1 = channel_GC[:, channel, None].float()
        summed_BGS = summed_BGS + own_G1 * padded_BCS[:, channel, None]
    return summed_BGS


def _plain(values_BCT: Tensor, length_B: Tensor, pieces: Sequence[int]) -> Tensor:
    """Return level, spread and length of series, as `random_kernels` takes them, float64 [B, ...]."""
    time_T = torch.arange(values_BCT.shape[2])
    mask_B1T = (time_T < length_B[:, None])[:, None]
    count_B1 = length_B[:, None].double()
    mean_BC = values_BCT.sum(dim=2) / count_B1
    found = []
    for count in pieces:
        size_B, longer_B = length_B // count, length_B % count
        for piece in range(count):
            begin_B = piece * size_B + torch.clamp(longer_B, max=piece)
            end_B = (piece + 1) * size_B + torch.clamp(longer_B, max=piece + 1)
            own_BT = (time_T >= begin_B[:, None]) & (time_T < end_B[:, None])
            num_B1 = (end_B - begin_B)[:, None].double()
            level_BC = (values_BCT * own_BT[:, None].double()).sum(dim=2) / torch.clamp(num_B1, min=1.0)
            found.append(torch.where(num_B1 > 0, level_BC, mean_BC))
    off_BCT = torch.where(mask_B1T, values_BCT - mean_BC[..., None], 0.0)
    found.append(torch.sqrt((off_BCT * off_BCT).sum(dim=2) / count_B1))
    found.append(torch.where(mask_B1T, values_BCT, torch.inf).amin(dim=2))
    found.append(torch.where(mask_B1T, values_BCT, -torch.inf).amax(dim=2))
    step_BCT = torch.where(mask_B1T[..., 1:], (values_BCT[..., 1:] - values_BCT[..., :-1]).abs(), 0.0)
    found.append(step_BCT.sum(dim=2) / torch.clamp(count_B1 - 1, min=1.0))
    return torch.cat([*found, torch.log(count_B1)], dim=1)
