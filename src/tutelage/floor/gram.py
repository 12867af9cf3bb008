"""Sums over rows from which least squares with any penalty follows, however many rows there were; not a component.

Shape letters: G groups, D inputs and a constant 1, H outputs, N rows, C series.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["Gram"]

Parts = tuple[np.ndarray, np.ndarray, np.ndarray]
MOST_MISSING = 0.3
"""Share of a row's outputs that may be unknown."""


@dataclass
class Gram:
    """Sums of products of inputs and outputs.

    Attributes:
        inputs: float64 [G, D, D].
        products: float64 [G, D, H].
        squares: Sum of all squared outputs.
        count: Rows.
    """

    inputs: np.ndarray
    products: np.ndarray
    squares: float = 0.0
    count: int = 0

    @classmethod
    def empty(cls, groups: int, num_inputs: int, num_outputs: int) -> "Gram":
        """Return the sums over nothing."""
        size = num_inputs + 1
        return cls(np.zeros((groups, size, size)), np.zeros((groups, size, num_outputs)))

    def add(self, inputs_NCL: np.ndarray, outputs_NCH: np.ndarray) -> None:
        """Take rows; what is not known of an output is the mean of the others, and rows of which little is known are left out."""
        for group in range(len(self.inputs)):
            own = slice(None) if len(self.inputs) == 1 else slice(group, group + 1)
            inputs = inputs_NCL[:, own].reshape(-1, inputs_NCL.shape[2])
            outputs = outputs_NCH[:, own].reshape(-1, outputs_NCH.shape[2])
            is_missing = np.isnan(outputs)
            is_used = is_missing.mean(axis=1) <= MOST_MISSING
            inputs, outputs = np.c_[inputs[is_used], np.ones(is_used.sum())], outputs[is_used]
            if is_missing.any() and len(outputs):
                outputs = np.where(np.isnan(outputs), np.nanmean(outputs, axis=1, keepdims=True), outputs)
            self.inputs[group] += inputs.T @ inputs
            self.products[group] += inputs.T @ outputs
            self.squares += float((outputs**2).sum())
            self.count += len(outputs)

    def plus(self, other: "Gram") -> "Gram":
        """Return the sums over both."""
        squares, count = self.squares + other.squares, self.count + other.count
        return Gram(self.inputs + other.inputs, self.products + other.products, squares, count)

    def centered(self, weight_D: np.ndarray, from_D: np.ndarray) -> "Gram":
        """Return the sums of inputs x from which `from_D` was subtracted as often as x @ weight_D says."""
        # As seen through a matrix 1 - weight from^T, without its products: these take the cube of the inputs.
        own_GD = self.inputs @ weight_D
        both_GDD = own_GD[:, :, None] * from_D
        inputs = self.inputs - both_GDD - both_GDD.transpose(0, 2, 1)
        inputs += (own_GD @ weight_D)[:, None, None] * np.outer(from_D, from_D)
        products = self.products - from_D[:, None] * (weight_D @ self.products)[:, None, :]
        return Gram(inputs, products, self.squares, self.count)

    def solved(self, penalty: float, *, is_own: bool) -> np.ndarray:
        """Return the maps of least squares, float64 [G, D, H], or [1, D, H] for one over all groups.

        Args:
            penalty: On the squares of all weights, as a share of the mean square of the inputs.
            is_own: Whether each group has its own.
        """
        return np.stack(
            [
                vectors @ (rotated / (values + penalty * max(float(values.mean()), 1e-12))[:, None])
                for values, vectors, rotated in (self._own if is_own else self._shared)
            ]
        )

    def error(self, weights: np.ndarray) -> float:
        """Return the mean squared error of maps on these rows; infinite where there are none."""
        if not self.count:
            return np.inf
        weights = np.broadcast_to(weights, self.products.shape)
        explained = 2 * float((weights * self.products).sum()) - float((weights * (self.inputs @ weights)).sum())
        return float((self.squares - explained) / (self.count * self.products.shape[2]))

    @cached_property
    def _own(self) -> list[Parts]:
        return [_parts(inputs, products) for inputs, products in zip(self.inputs, self.products, strict=True)]

    @cached_property
    def _shared(self) -> list[Parts]:
        return [_parts(self.inputs.sum(axis=0), self.products.sum(axis=0))]


def _parts(inputs: np.ndarray, products: np.ndarray) -> Parts:
    """Return eigenvalues, none below 0, their vectors, and the products seen along these."""
    values, vectors = np.linalg.eigh(inputs)
    return np.maximum(values, 0.0), vectors, vectors.T @ products
