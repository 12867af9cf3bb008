"""Which pair of networks suits what is to be made: plain ones for numbers and tiny pictures, convolutions for larger ones."""

from tutelage.core.shape.views import Grid
from tutelage.core.spec import Component
from tutelage.model.arch.mlp import MLP
from tutelage.model.arch.residual_pair import ResidualPair
from tutelage.optim.adam import Adam

__all__ = ["is_picture", "suited"]

TINY_PICTURE = 256
"""Numbers of a picture up to which a plain network is as good as convolutions, and several times faster."""


def is_picture(grid: Grid | None) -> bool:
    """Tell whether samples are pictures of some size, whose networks are mostly convolutions."""
    return grid is not None and grid.channels * grid.height * grid.width > TINY_PICTURE


def suited(grid: Grid | None) -> tuple[Component, int, Adam]:
    """Return architecture, batch size and optimizer for pictures, or for numbers; docs/LOG.md has what was measured."""
    if grid is None:
        return MLP(hidden=(96,) * 4, dropout=0.0), 256, Adam(lr=3e-3, beta1=0.0, beta2=0.9)
    if not is_picture(grid):
        return MLP(hidden=(256,) * 3, dropout=0.0), 64, Adam(lr=5e-4, beta1=0.0, beta2=0.99)
    return ResidualPair(widths=(32, 64), patch=2), 32, Adam(lr=1e-3, beta1=0.0, beta2=0.99)
