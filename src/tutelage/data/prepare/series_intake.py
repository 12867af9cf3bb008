"""Series inside an exported graph: gaps filled along the straight line between neighbors, then scaled as in training.

Shape letters: B series, T times, C channels.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.data.part.base import RowsPart
from tutelage.data.part.series import SeriesPart
from tutelage.data.prepare.intake import Feed, Intake, RawInput, padded_batches

__all__ = ["Filled", "SeriesIntake"]

DOUBLINGS = 17
"""Gaps of up to 2^17 times are filled."""
SMALLEST_DEVIATION = 1e-12
NEARLY_NOTHING = 1e-300


@dataclass(frozen=True)
class SeriesIntake(Intake):
    """Series in their own unit.

    Attributes:
        mean: Of each channel.
        std: The same for the deviation.
        normalize: By what values are made comparable.
        farthest: Deviations within which values are held.
        length: Most times of a train series.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    normalize: Literal["train", "series", "none"]
    farthest: float
    length: int

    @property
    def inputs(self) -> tuple[RawInput, ...]:
        """Values and how many times each series has."""
        meaning = "measured values, NaN where one is missing; behind the end of a series anything"
        sizes = {"length": max(9, min(self.length, 33))}
        return (
            RawInput("series", "float64", ("length", len(self.mean)), meaning, example=sizes),
            RawInput("series_length", "int64", (), "how many times each series has, at least 1"),
        )

    def module(self) -> nn.Module:
        """Return the module that fills and scales."""
        return _Scaled(self)

    def feed(self, part: RowsPart) -> Feed:
        """Yield series as they were read."""
        assert isinstance(part, SeriesPart)
        for rows, series_BTC, length_B in padded_batches(list(part.series)):
            yield rows, {"series": series_BTC, "series_length": length_B}


class Filled(nn.Module):
    """Series with gaps to series without, float64 [B, T, C], and `mask` bool [B, T]."""

    fallback: Tensor

    def __init__(self, center: tuple[float, ...] | np.ndarray) -> None:
        super().__init__()
        self.register_buffer("fallback", torch.tensor(np.asarray(center), dtype=torch.float64), persistent=False)

    def forward(self, raw: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return values and mask; behind the end of a series stands 0."""
        value_BTC = raw["series"]
        time_T = torch.arange(value_BTC.shape[1], dtype=torch.float64)
        mask_BT = time_T < raw["series_length"][:, None]
        known_BTC = mask_BT[..., None] & ~torch.isnan(value_BTC)
        value_BTC = torch.where(known_BTC, value_BTC, 0.0)
        time_BTC = time_T[:, None].expand_as(value_BTC)
        before_BTC = _last(torch.where(known_BTC, time_BTC, -1.0))
        after_BTC = -_last(torch.where(known_BTC, -time_BTC, -torch.inf).flip(1), nothing=-torch.inf).flip(1)
        is_first_BTC, is_last_BTC = before_BTC < 0, torch.isinf(after_BTC)
        left_BTC = torch.where(is_first_BTC, torch.where(is_last_BTC, 0.0, after_BTC), before_BTC)
        right_BTC = torch.where(is_last_BTC, left_BTC, after_BTC)
        low_BTC, high_BTC = (value_BTC.gather(1, place.long()) for place in (left_BTC, right_BTC))
        width_BTC = right_BTC - left_BTC
        slope_BTC = (high_BTC - low_BTC) / torch.where(width_BTC > 0, width_BTC, 1.0)
        line_BTC = torch.where(width_BTC > 0, slope_BTC * (time_BTC - left_BTC) + low_BTC, low_BTC)
        line_BTC = torch.where(is_first_BTC & is_last_BTC, self.fallback, line_BTC)
        filled_BTC = torch.where(known_BTC, value_BTC, line_BTC)
        return torch.where(mask_BT[..., None], filled_BTC, 0.0), mask_BT


def _last(value_BTC: Tensor, *, nothing: float = -1.0) -> Tensor:
    """Return the largest value so far along time, by doubling steps."""
    length = value_BTC.shape[1]
    for power in range(DOUBLINGS):
        shifted = nn.functional.pad(value_BTC, (0, 0, 2**power, 0), value=nothing)[:, :length]
        value_BTC = torch.maximum(value_BTC, shifted)
    return value_BTC


class _Scaled(nn.Module):
    """Raw series to `series` float32 [B, T, C] and `mask`."""

    def __init__(self, intake: SeriesIntake) -> None:
        super().__init__()
        self.filled = Filled(intake.mean)
        self.normalize, self.farthest = intake.normalize, intake.farthest
        self.register_buffer("mean_C", torch.tensor(intake.mean, dtype=torch.float64), persistent=False)
        self.register_buffer("std_C", torch.tensor(intake.std, dtype=torch.float64), persistent=False)

    def forward(self, raw: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return both."""
        value_BTC, mask_BT = self.filled(raw)
        if self.normalize == "train":
            value_BTC = torch.clamp((value_BTC - self.mean_C) / self.std_C, -self.farthest, self.farthest)
        elif self.normalize == "series":
            value_BTC = torch.clamp(_by_itself(value_BTC, mask_BT), -self.farthest, self.farthest)
        return {"series": torch.where(mask_BT[..., None], value_BTC, 0.0).float(), "mask": mask_BT}


def _by_itself(value_BTC: Tensor, mask_BT: Tensor) -> Tensor:
    """Return each series with mean 0 and deviation 1 of each channel, as `scaling.column_scales` has it."""
    mask_BT1 = mask_BT[..., None].double()
    count_B11 = mask_BT1.sum(dim=1, keepdim=True)
    largest_B1C = (value_BTC.abs() * mask_BT1).amax(dim=1, keepdim=True).clamp(min=NEARLY_NOTHING)
    mean_B1C = (value_BTC / largest_B1C * mask_BT1).sum(dim=1, keepdim=True) / count_B11 * largest_B1C
    off_BTC = (value_BTC / largest_B1C - mean_B1C / largest_B1C) * mask_BT1
    std_B1C = torch.sqrt((off_BTC * off_BTC).sum(dim=1, keepdim=True) / count_B11) * largest_B1C
    least_B1C = SMALLEST_DEVIATION * mean_B1C.abs().clamp(min=NEARLY_NOTHING)
    return (value_BTC - mean_B1C) / torch.where(std_B1C > least_B1C, std_B1C, 1.0)
