"""Rows of a table by their numbers, as words and categories are looked up, and the gradient of the table."""

from collections.abc import Iterator
from typing import Literal

import torch

from tutelage.hardware.bench.base import Benchmark, Case, Prepared, called

__all__ = ["Embedding"]

SIZES = ((256, 128, 16 * 64), (65, 128, 64 * 128), (8192, 64, 64 * 128), (16, 8, 512), (30_000, 128, 32 * 256))
"""Rows of the table, numbers of each, and how many are looked up."""


class Embedding(Benchmark):
    """Lookups in tables of vectors."""

    kind: Literal["embedding"] = "embedding"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield lookups, their gradients, and rows taken by number as a batch is gathered."""
        for entries, width, count in SIZES:
            shown = f"{count:,} of {entries:,} x {width}"

            def look_up(entries: int = entries, width: int = width, count: int = count) -> Prepared:
                at = torch.randint(entries, (count,), device=device)
                prepared = called("embedding", torch.randn(entries, width, device=device), at)
                return Prepared(prepared.run, 8.0 * width * len(at) + 8.0 * len(at))

            def slope(entries: int = entries, width: int = width, count: int = count) -> Prepared:
                at = torch.randint(entries, (count,), device=device)
                return called("embedding_dense_backward", torch.randn(len(at), width, device=device), at, entries, -1, False)

            def gather(entries: int = entries, width: int = width, count: int = count) -> Prepared:
                at = torch.randint(entries, (count,), device=device)
                prepared = called("index.Tensor", torch.randn(entries, width, device=device), [at])
                return Prepared(prepared.run, 8.0 * width * len(at) + 8.0 * len(at))

            def bags(entries: int = entries, width: int = width, count: int = count) -> Prepared:
                at, starts = torch.randint(entries, (count,), device=device), torch.arange(0, count, 8, device=device)
                return called("_embedding_bag", torch.randn(entries, width, device=device), at, starts)

            yield Case("_embedding_bag", "embedding", "float32", shown, 0.0, bags)
            yield Case("embedding", "embedding", "float32", shown, 0.0, look_up)
            yield Case("embedding_dense_backward", "embedding", "float32", shown, 0.0, slope, phase="backward")
            yield Case("index", "embedding", "float32", shown, 0.0, gather)
