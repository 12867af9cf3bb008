"""What a generator starts from: random numbers, and which class is wanted.

Shape letters: B samples, Z random numbers, C classes.
"""

import torch
from torch import Tensor, nn

__all__ = ["with_classes"]


def with_classes(latent_BZ: Tensor, classes_B: Tensor | None, num_classes: int) -> Tensor:
    """Return random numbers with a 1 for each one's class beside them, float32 [B, Z + C]; as they are without classes."""
    if not num_classes or classes_B is None:
        return latent_BZ
    return torch.cat([latent_BZ, nn.functional.one_hot(classes_B, num_classes).float()], dim=1)
