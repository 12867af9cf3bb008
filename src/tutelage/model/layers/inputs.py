"""Any input as one vector a row: tables embedded and joined, images and arrays flattened.

Legend: B rows, F numbers, K categories, D length of the vector.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Columns, Mixed, Vector
from tutelage.model.layers.category import CategoryEncoder
from tutelage.model.layers.periodic import PeriodicEmbedding
from tutelage.model.layers.roles import mark

__all__ = ["FlatInput", "MixedInput", "TableInput", "make_input"]

WORD_SIZE = 64
"""Numbers that stand for a word of a text."""


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

    def names(self, entries: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        """Name what each entry of the vector stands for; () where that is not known."""
        numbers = entries.get("number", ()) if self.periodic is None else self.periodic.names(entries)
        found = numbers + self.category.names(entries)
        return found if len(found) == self.size else ()

    def forward(self, number_BF: Tensor, category_BK: Tensor) -> Tensor:
        """Return float [B, D]."""
        numbers = number_BF if self.periodic is None else self.periodic(number_BF)
        return torch.cat([numbers, self.category(category_BK)], dim=1)


class MixedInput(nn.Module):
    """Joins columns and the mean of the vectors of a text's words to [B, D].

    Attributes:
        size: D.
        has_matrices: As that of the columns.
    """

    def __init__(self, columns: TableInput, *, vocabulary_size: int) -> None:
        super().__init__()
        self.columns = columns
        self.embedding = mark(nn.Embedding(vocabulary_size, WORD_SIZE), "input")
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.size = columns.size + WORD_SIZE
        self.has_matrices = columns.has_matrices

    def names(self, entries: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        """Name what each entry of the vector stands for; () where that is not known."""
        columns = self.columns.names(entries)
        return columns + tuple(f"words {place}" for place in range(WORD_SIZE)) if columns or not self.columns.size else ()

    def forward(self, number_BF: Tensor, category_BK: Tensor, token_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Return float [B, D]."""
        weight_BT1 = mask_BT.unsqueeze(-1).to(self.embedding.weight.dtype)
        mean_BW = (self.embedding(token_BT) * weight_BT1).sum(dim=1) / weight_BT1.sum(dim=1).clamp(min=1)
        return torch.cat([self.columns(number_BF, category_BK), mean_BW], dim=1)


def make_input(
    shape: Shape,
    *,
    numbers: Literal["periodic", "plain"] = "plain",
    frequency_scale: float = 1.0,
    num_frequencies: int = 24,
    embedding_size: int = 16,
    one_hot_limit: int = 64,
) -> FlatInput | MixedInput | TableInput:
    """Make the module that turns a shape's inputs, columns, texts or what can be flattened, into [B, D]; its `size` is D."""
    mixed, vector = shape.view(Mixed), shape.view(Vector)
    columns = shape.view(Columns) if mixed is None else mixed.columns
    if columns is None:
        assert vector is not None
        return FlatInput(vector.size)
    category = CategoryEncoder(columns.cardinalities, one_hot_limit=one_hot_limit, embedding_size=embedding_size)
    periodic = None
    if numbers == "periodic" and columns.numbers:
        periodic = PeriodicEmbedding(
            columns.numbers, num_frequencies=num_frequencies, size=embedding_size, frequency_scale=frequency_scale
        )
    size = columns.numbers * (1 if periodic is None else embedding_size) + category.size
    table = TableInput(periodic=periodic, category=category, size=size)
    return table if mixed is None else MixedInput(table, vocabulary_size=mixed.text.vocabulary_size)
