"""The features of a row: what goes into the last layer of a network, kept when the network runs."""

from collections import deque
from typing import Any

import torch
from torch import Tensor, nn

from tutelage.core.errors import RecipeError
from tutelage.model.layers.roles import last_layer

__all__ = ["Features"]


class Features:
    """Looks at what goes into a network's last layer."""

    def __init__(self, network: nn.Module, *, runs: int = 1) -> None:
        """Put a hook on the network.

        Args:
            network: Whose last layer is known.
            runs: How many runs make one answer, such as those for a row and for its mirror image.

        Raises:
            RecipeError: No layer of it says that it is the last.
        """
        layer = last_layer(network)
        if layer is None:
            found = "recipe: distill.terms: a term that compares features needs a network whose last layer is known"
            raise RecipeError(f"{found}, and {type(network).__name__} says of none that it is. Take terms that compare answers.")
        self._kept: deque[Tensor] = deque(maxlen=runs)
        layer.register_forward_pre_hook(self._keep)

    def _keep(self, _module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Keep the input."""
        self._kept.append(inputs[0])

    def take(self) -> Tensor:
        """Return the features of the last answer, the mean over its runs, float32 [B, D], and let go of them."""
        features_BD = torch.stack([kept.flatten(1).float() for kept in self._kept]).mean(dim=0)
        self._kept.clear()
        return features_BD
