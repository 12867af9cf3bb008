"""Example batches of any shape, without data: for tests, counts of operations, and export."""

import torch
from torch import Tensor

from tutelage.core.shape.base import Shape, TensorSpec

__all__ = ["example_batch"]

TORCH_TYPES = {"float32": torch.float32, "int64": torch.int64, "bool": torch.bool}


def example_batch(shape: Shape, size: int, *, device: str = "cpu", seed: int = 0) -> dict[str, Tensor]:
    """Return a batch of random inputs, as a model of this shape takes them.

    Args:
        shape: What the model receives.
        size: Rows in the batch.
        device: Where to make it; `meta` costs no memory.
        seed: The same seed gives the same numbers.

    Returns:
        Tensors [size, ...] by name, in the order in which the model takes them: standard normal numbers, or whole numbers
        within their range.
    """
    generator = torch.Generator().manual_seed(seed)
    return {name: _tensor(spec, size, generator).to(device) for name, spec in shape.tensors.items()}


def _tensor(spec: TensorSpec, size: int, generator: torch.Generator) -> Tensor:
    """Return one input."""
    sizes = (size, *spec.sizes)
    if spec.dtype == "float32":
        return torch.randn(sizes, generator=generator)
    if spec.dtype == "bool":
        # Masks are of rows as they come: some first places are there, at least one.
        length = torch.randint(1, spec.sizes[-1] + 1, (*sizes[:-1], 1), generator=generator)
        return torch.arange(spec.sizes[-1]) < length
    highs = torch.tensor(spec.highs or (2,), dtype=torch.float64)
    return (torch.rand(sizes, generator=generator, dtype=torch.float64) * highs).to(TORCH_TYPES[spec.dtype])
