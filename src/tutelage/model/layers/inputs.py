"""Any input as one vector a row: tables embedded and joined, images and arrays flattened.

Legend: B rows, F numbers, K categories, D length of the vector.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Columns, Vector
from tutelage.model.layers.category import CategoryEncoder
from tutelage.model.layers.periodic import PeriodicEmbedding

__all__ = ["FlatInput", "TableInput", "make_input"]


class FlatInput(nn.Module):
    """Flattens images or arrays to [B, D].

    Attributes:
        size: D.
        has_matrices: Whether it holds matrices that learn: the layer after it is then no longer the first.
    """

    has_matrices = False

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Return float [B, D]."""
        return x.flatten(1) if x.is_floating_point() else x.flatten(1).float()


class TableInput(nn.Module):
    """Joins the numbers, embedded or as they are, and the category vectors to [B, D].

    Args:
        shape: Numbers and categories.
        periodic: Module that embeds the numbers, or None to take them as they are.
        category: Module that embeds the codes.
        size: D.

    Attributes:
        size: D.
        has_matrices: Whether it holds matrices that learn: the layer after it is then no longer the first.
    """

    def __init__(self, *, periodic: PeriodicEmbedding | None, category: CategoryEncoder, size: int) -> None:
        super().__init__()
        self.periodic = periodic
        self.category = category
        self.size = size
        self.has_matrices = periodic is not None

    def forward(self, number_BF: Tensor, category_BK: Tensor) -> Tensor:
        """Return float [B, D]."""
        numbers = number_BF if self.periodic is None else self.periodic(number_BF)
        return torch.cat([numbers, self.category(category_BK)], dim=1)


def make_input(
    shape: Shape,
    *,
    numbers: Literal["periodic", "plain"] = "plain",
    frequency_scale: float = 1.0,
    num_frequencies: int = 24,
    embedding_size: int = 16,
    one_hot_limit: int = 64,
) -> FlatInput | TableInput:
    """Make the module that turns a shape's inputs, columns or anything that can be flattened, into [B, D]; its `size` is D."""
    columns, vector = shape.view(Columns), shape.view(Vector)
    if columns is None:
        assert vector is not None
        return FlatInput(vector.size)
    category = CategoryEncoder(columns.cardinalities, one_hot_limit=one_hot_limit, embedding_size=embedding_size)
    if numbers == "plain" or not columns.numbers:
        return TableInput(periodic=None, category=category, size=columns.numbers + category.size)
    periodic = PeriodicEmbedding(
        columns.numbers, num_frequencies=num_frequencies, size=embedding_size, frequency_scale=frequency_scale
    )
    return TableInput(periodic=periodic, category=category, size=columns.numbers * embedding_size + category.size)
