"""Running sums of the training loss between two log steps, kept on the device."""

import torch
from torch import Tensor

from tutelage.training.mesh import LONE, Mesh
from tutelage.training.step import Report

__all__ = ["Ledger"]


class Ledger:
    """Adds up reports; the host reads the means only when it logs."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._sums: dict[str, Tensor] = {}
        self._weights: dict[str, Tensor | float] = {}

    def add(self, report: Report) -> None:
        """Add a step's sums, without waiting for the device."""
        for name, total in report.totals.items():
            self._sums[name] = self._sums[name] + total if name in self._sums else total
            weight = report.weights[name]
            self._weights[name] = self._weights[name] + weight if name in self._weights else weight
        for name, part in report.parts.items():
            self._sums[name] = self._sums[name] + part if name in self._sums else part

    def flush(self, mesh: Mesh = LONE) -> dict[str, float]:
        """Return the `means` since the last flush and start anew.

        The sums are part of a training's state, so no clock may decide when they are flushed.
        """
        means = self.means(mesh)
        self.clear()
        return means

    def means(self, mesh: Mesh = LONE) -> dict[str, float]:
        """Return the weighted means since the last flush, and change nothing; a lone phase's loss is called `loss`.

        A phase all of whose updates were refused has none.

        Args:
            mesh: The processes whose sums belong together; all of them ask at the same step.
        """
        means = {}
        lone = len(self._weights) == 1
        sums = torch.tensor([float(total) for total in self._sums.values()], dtype=torch.float64)
        weights = torch.tensor([float(weight) for weight in self._weights.values()], dtype=torch.float64)
        mesh.sum_([sums, weights])
        weight_of = dict(zip(self._weights, weights.tolist(), strict=True))
        for name, total in zip(self._sums, sums.tolist(), strict=True):
            phase, _, part = name.partition("/")
            if not weight_of[phase]:
                continue
            mean = total / weight_of[phase]
            means[part or "loss" if lone else f"{name}/loss" if not part else name] = mean
        return means

    def clear(self) -> None:
        """Start anew, whatever the sums are."""
        self._sums.clear()
        self._weights.clear()

    def state(self) -> dict[str, Tensor]:
        """Return the sums so far, as they are: adding makes new ones."""
        sums = {f"sum/{name}": total.detach() for name, total in self._sums.items()}
        weights = {f"weight/{name}": torch.as_tensor(value, dtype=torch.float64) for name, value in self._weights.items()}
        return sums | weights

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up the sums that `state` returned."""
        self._sums = {key.removeprefix("sum/"): value for key, value in state.items() if key.startswith("sum/")}
        self._weights = {key.removeprefix("weight/"): float(value) for key, value in state.items() if key.startswith("weight/")}
