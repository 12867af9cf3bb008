"""Thousands of random kernels over a series, each told by how often it answers, and a linear layer; for series.

Source: A. Dempster, D. Schmidt and G. Webb, "MiniRocket: A Very Fast (Almost) Deterministic Transform for Time Series
Classification", KDD 2021, arXiv 2012.08791. Differs from the paper: also over the series' steps from time to time, as in
MultiRocket (arXiv 2102.00457); level, spread and length of a series beside them, since kernels do not see levels; probabilities
by a softmax whose scale is fitted to answers for rows left out.

Shape letters: N series, T times, C channels, G groups (a kernel at a dilation), F features, K classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from tutelage.data.part.base import RowsPart
from tutelage.data.part.series import SeriesPart, interpolated
from tutelage.data.prepare.series import Series, as_series, check_channels, held_in
from tutelage.floor.base import FittedFloor, Floor
from tutelage.floor.kernel_features import KernelBank, KernelNumbers, draw_bank, features, fit_biases
from tutelage.floor.kernel_graph import KernelIntake
from tutelage.floor.ridge import fit_ridge, probabilities

__all__ = ["RandomKernels"]

MOST_NUMBERS = 2**27
"""Features of all train series together; of very many series each gets fewer features."""
PLAIN_SHARES = (0.03, 0.3, 3.0)
"""Weights that level, spread and length together may have, as shares of that of the kernels; rows left out decide."""
PIECES = (1, 2, 4)
"""Numbers of equal pieces, of each of which the level is taken."""
PLAIN_NUMBERS = sum(PIECES) + 4
"""Plain numbers of each channel; the length of the series comes to them."""
STILL = 1e-6
"""Deviation below which a feature says nothing."""


class RandomKernels(Floor):
    """Settings of the random kernels."""

    kind: Literal["random_kernels"] = "random_kernels"
    answers: ClassVar[frozenset[str]] = frozenset({"classes", "numbers"})
    noun: ClassVar[str] = "random kernels with a linear layer"
    num_features: int = Field(5_000, ge=84, le=100_000, description="Features of a series. Typical: 2,000 to 10,000.")
    steps: bool = Field(True, description="Whether the changes from time to time are looked at too.")

    def fit(self, part: RowsPart, truth: np.ndarray, *, num_classes: int, seed: int) -> "FittedKernels":
        """Draw kernels, fit biases and the linear layer."""
        series = as_series(part)
        scale = Series().fit(series)
        center_C, scale_C = np.array(scale.mean), np.array(scale.std)
        held = _on_scale(series, center_C, scale_C)
        room = max(84, MOST_NUMBERS // max(1, len(series)))
        each = min(self.num_features, room) // (2 if self.steps else 1)
        banks = []
        for order in range(2 if self.steps else 1):
            pieces = [_stepped(values_CT, order) for values_CT in held]
            bank = draw_bank(pieces, num_features=each, seed=seed + order)
            banks.append(fit_biases(bank, pieces, seed=seed + order))
        raw_NF = _features(held, banks)
        mean_F, std_F = raw_NF.mean(axis=0), raw_NF.std(axis=0)
        std_F = np.where(std_F > STILL, std_F, np.inf)
        num_plain = len(center_C) * PLAIN_NUMBERS + 1
        x_NF = (raw_NF - mean_F) / std_F
        ridge = fit_ridge(x_NF, truth, num_classes=num_classes, num_last=num_plain, shares=PLAIN_SHARES)
        weight_FK = ridge.weight / std_F[:, None]
        bias_K = ridge.bias - mean_F @ weight_FK
        return FittedKernels(center_C, scale_C, tuple(banks), weight_FK, bias_K, ridge.sharpness, num_classes)

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "FittedKernels":
        """Rebuild what was fitted."""
        channels, classes = int(state["channels"]), int(state["classes"])
        banks = tuple(KernelBank.restored(order, channels=channels, tensors=tensors) for order in range(int(state["banks"])))
        center, scale, weight, bias = (tensors[name].numpy() for name in ("center", "scale", "weight", "bias"))
        num_features = sum(len(bank.bias) for bank in banks) + channels * PLAIN_NUMBERS + 1
        outputs = classes or 1
        expected = {"center": (channels,), "scale": (channels,), "weight": (num_features, outputs), "bias": (outputs,)}
        found = {"center": center.shape, "scale": scale.shape, "weight": weight.shape, "bias": bias.shape}
        if found != expected:
            raise ValueError(f"numbers of sizes {found}, where random kernels have {expected}")
        return FittedKernels(center, scale, banks, weight, bias, float(state["sharpness"]), classes)


@dataclass(frozen=True)
class FittedKernels(KernelNumbers, FittedFloor):
    """Fitted random kernels."""

    def answers(self, part: RowsPart) -> np.ndarray:
        """Return probabilities float64 [N, K], or numbers float64 [N]."""
        series = as_series(part)
        check_channels(series, len(self.center))
        raw_NF = _features(_on_scale(series, self.center, self.scale), self.banks)
        scores_NK = raw_NF @ self.weight + self.bias
        return probabilities(scores_NK, sharpness=self.sharpness) if self.num_classes else np.asarray(scores_NK[:, 0])

    def intake(self) -> KernelIntake:
        """Return the way from series in their own unit."""
        return KernelIntake(self, PIECES)

    def state(self) -> dict[str, Any]:
        """Return the sizes, and how sharp the answers are."""
        sizes = {"channels": len(self.center), "classes": self.num_classes, "banks": len(self.banks)}
        return sizes | {"sharpness": self.sharpness}

    def tensors(self) -> dict[str, Tensor]:
        """Return kernels and linear layer."""
        own = {"center": self.center, "scale": self.scale, "weight": self.weight, "bias": self.bias}
        kept = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in own.items()}
        for order, bank in enumerate(self.banks):
            kept |= bank.tensors(order)
        return kept


def _on_scale(part: SeriesPart, center_C: np.ndarray, scale_C: np.ndarray) -> list[np.ndarray]:
    """Return each series without gaps and on the scale of the train series, float32 [C, T]."""
    whole = (interpolated(values_TC, center_C) for values_TC in part.series)
    return [np.ascontiguousarray(held_in((values_TC - center_C) / scale_C).T, dtype=np.float32) for values_TC in whole]


def _stepped(values_CT: np.ndarray, order: int) -> np.ndarray:
    """Return a series, or its changes from time to time."""
    return np.diff(values_CT, axis=1) if order else values_CT


def _features(held: list[np.ndarray], banks: "tuple[KernelBank, ...] | list[KernelBank]") -> np.ndarray:
    """Return the features of all banks, and the plain ones at the end, float64 [N, F]."""
    parts = [features(bank, [_stepped(values_CT, order) for values_CT in held]) for order, bank in enumerate(banks)]
    plain = np.stack([_plain(values_CT.astype(np.float64)) for values_CT in held])
    return np.concatenate([*parts, plain], axis=1, dtype=np.float64)


def _plain(values_CT: np.ndarray) -> np.ndarray:
    """Return level, spread and length of a series: `PLAIN_NUMBERS` for each channel, and one."""
    pieces = [piece_CT for count in PIECES for piece_CT in np.array_split(values_CT, count, axis=1)]
    found = [(piece_CT if piece_CT.shape[1] else values_CT).mean(axis=1) for piece_CT in pieces]
    found += [
        values_CT.std(axis=1),
        values_CT.min(axis=1),
        values_CT.max(axis=1),
        np.abs(np.diff(values_CT, axis=1)).mean(axis=1),
    ]
    return np.concatenate([*found, [np.log(values_CT.shape[1])]])
