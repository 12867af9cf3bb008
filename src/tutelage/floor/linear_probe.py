"""Ridge regression on what all stages of the network give that a training starts from; for pictures, where rows are few.

The network is seen as it was before the training, and never changes: what a few rows can spoil is a linear layer alone, and which
of many features matter is decided in one go, by rows left out. Beside the network that learns from the same rows it makes other
mistakes.

Source: U. Evci et al., "Head2Toe: Utilizing Intermediate Representations for Better Transfer Learning", ICML 2022, arXiv
2201.03529 (a linear layer on all stages, pooled); G. Alain and Y. Bengio, arXiv 1610.01644 (linear probes).
Differs from the paper: ridge in place of groups of features that are chosen; square roots of what stages give; shifted pictures.

Shape letters: N rows, V views, B batch, F features, K classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.shape.base import Shape
from tutelage.core.typed import Finite, take
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.intake import Feed, Intake, RawInput, row_batches
from tutelage.data.rows.selected import SelectedRows
from tutelage.floor.base import FittedFloor, Floor
from tutelage.floor.lens import Lens, Stages
from tutelage.floor.ridge import fit_views, probabilities

__all__ = ["LinearProbe"]

DETAILS = (1.0, 0.5, 0.25)
"""How finely pictures are looked at: the first that gives few enough features."""
MOST_FEATURES, MOST_NUMBERS = 2**15, 2**26
"""Of one row, and of all train rows together."""
MOST_SHIFTED = 300
"""Train rows up to which pictures are also looked at a little shifted: that takes five times as long, and more."""
ROWS = 512
"""That are answered for at once."""
EVEN = 0.1
"""Share of the mean variance that is added to each feature's: one that hardly ever changes is not blown up."""


class LinearProbe(Floor):
    """Settings of the linear probe."""

    kind: Literal["linear_probe"] = "linear_probe"
    answers: ClassVar[frozenset[str]] = frozenset({"classes", "numbers"})
    needs_lens: ClassVar[bool] = True
    most_rows: ClassVar[int] = 20_000
    noun: ClassVar[str] = "ridge regression on the stages of the network that it starts from"

    def fit_through(self, lens: Lens, part: RowsPart, truth: np.ndarray, *, num_classes: int, seed: int) -> "FittedProbe":
        """Fit the linear layer."""
        detail, is_shifted = _detail(lens, len(part)), len(part) <= MOST_SHIFTED
        x_VNF = lens.features(lens.fitted.apply(part), detail=detail, is_shifted=is_shifted).astype(np.float64)
        mean_F, variance_F = x_VNF.mean(axis=(0, 1)), x_VNF.var(axis=(0, 1))
        std_F = np.sqrt(variance_F + EVEN * variance_F.mean()) if variance_F.any() else np.full_like(mean_F, np.inf)
        x_VNF -= mean_F
        x_VNF /= std_F
        ridge = fit_views(x_VNF, truth, num_classes=num_classes)
        weight_FK = ridge.weight / std_F[:, None]
        return FittedProbe(lens, detail, weight_FK, ridge.bias - mean_F @ weight_FK, ridge.sharpness, num_classes)

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "FittedProbe":
        """Rebuild what was fitted."""
        lens, classes = Lens.restored(state["lens"], tensors), int(state["classes"])
        detail = float(state["detail"])
        if detail not in DETAILS:
            raise ValueError(f"detail {detail:g}, where a linear probe has one of {DETAILS}")
        weight, bias = tensors["weight"].numpy(), tensors["bias"].numpy()
        outputs = classes or 1
        expected = ((Stages(lens, detail).num_features, outputs), (outputs,))
        if (weight.shape, bias.shape) != expected:
            raise ValueError(f"numbers of sizes {weight.shape} and {bias.shape}, where a linear probe has {expected}")
        return FittedProbe(lens, detail, weight, bias, take(state, "sharpness", Finite), classes)


@dataclass(frozen=True)
class FittedProbe(FittedFloor):
    """A fitted linear probe.

    Attributes:
        lens: The network through which it looks.
        detail: How finely it looks.
        weight: float64 [F, K], for features as they are; [F, 1] where numbers are answered.
        bias: float64 [K] or [1].
        sharpness: What its answers are multiplied by before the softmax.
        num_classes: K; 0 where numbers are answered.
    """

    lens: Lens
    detail: float
    weight: np.ndarray
    bias: np.ndarray
    sharpness: float
    num_classes: int

    def answers(self, part: RowsPart) -> np.ndarray:
        """Return probabilities float64 [N, K], or numbers float64 [N]."""
        scores_NK = self._scores(part)
        return probabilities(scores_NK, sharpness=self.sharpness) if self.num_classes else np.asarray(scores_NK[:, 0])

    def _scores(self, part: RowsPart) -> np.ndarray:
        """Return what the linear layer gives, float64 [N, K], some rows at a time: features are many numbers."""
        rows, score_NK = self.lens.fitted.apply(part), np.empty((len(part), len(self.bias)))
        for numbers in row_batches(len(part), size=ROWS):
            seen = self.lens.features(SelectedRows(rows, numbers), detail=self.detail)[0]
            score_NK[numbers] = seen.astype(np.float64) @ self.weight + self.bias
        return score_NK

    def misfit(self, shape: Shape) -> str:
        """Say what it looks at, where the network beside it takes something else."""
        return "" if shape == self.lens.shape else f"a linear probe of {self.lens.shape.say()}"

    def intake(self) -> Intake | None:
        """Return the way from raw pictures."""
        seen = self.lens.fitted.intake()
        return None if seen is None else _ProbeIntake(self, seen)

    def state(self) -> dict[str, Any]:
        """Return through what it looks, and how sharp the answers are."""
        own = {"detail": self.detail, "classes": self.num_classes, "sharpness": self.sharpness}
        return own | {"lens": self.lens.state()}

    def tensors(self) -> dict[str, Tensor]:
        """Return the linear layer, and the network."""
        own = {"weight": self.weight, "bias": self.bias}
        return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in own.items()} | self.lens.tensors()


@dataclass(frozen=True)
class _ProbeIntake(Intake):
    """Raw pictures to answers.

    Attributes:
        probe: What was fitted.
        seen: The way to what the network takes.
    """

    probe: FittedProbe
    seen: Intake

    @property
    def inputs(self) -> tuple[RawInput, ...]:
        """Those of the network beside it: both take the same."""
        return self.seen.inputs

    def module(self) -> nn.Module:
        """Return the module that gives `answers`."""
        return _Probe(self.probe, self.seen.module())

    def feed(self, part: RowsPart) -> Feed:
        """Yield pictures as they were read."""
        return self.seen.feed(part)

    def recipe(self) -> dict[str, Any]:
        """Return what the network's intake says."""
        return self.seen.recipe()


class _Probe(nn.Module):
    """Raw tensors to answers float64 [B, K], or [B] where numbers are answered."""

    weight: Tensor
    bias: Tensor

    def __init__(self, probe: FittedProbe, seen: nn.Module) -> None:
        super().__init__()
        self.seen, self.stages = seen, Stages(probe.lens, probe.detail)
        self.sharpness, self.num_classes = probe.sharpness, probe.num_classes
        self.register_buffer("weight", torch.from_numpy(np.array(probe.weight, dtype=np.float64)), persistent=False)
        self.register_buffer("bias", torch.from_numpy(np.array(probe.bias, dtype=np.float64)), persistent=False)

    def forward(self, raw: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return `answers`."""
        score_BK = self.stages(self.seen(raw)).double() @ self.weight + self.bias
        return {"answers": torch.softmax(self.sharpness * score_BK, dim=1) if self.num_classes else score_BK[:, 0]}


def _detail(lens: Lens, num_rows: int) -> float:
    """Return how finely pictures are looked at: as much as gives few enough numbers."""
    for detail in DETAILS:
        count = Stages(lens, detail).num_features
        if count <= MOST_FEATURES and count * num_rows <= MOST_NUMBERS:
            return detail
    return DETAILS[-1]
