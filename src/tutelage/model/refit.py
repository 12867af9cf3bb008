"""Fits the layers of a narrower network to what they gave before, so that the channels that stayed make up for those that left.

Layer after layer, on some rows: the weights that read fewer channels now are those that come nearest, by least squares, to what
the layer gave in the wide network. Use it after `model/narrow.py` and before training; nothing else of the network changes.

Source: Y. He, X. Zhang, J. Sun, "Channel Pruning for Accelerating Very Deep Neural Networks", ICCV 2017, arXiv 1707.06168,
sections 3.1 (subproblem ii) and 3.2 (layer by layer, each reads what the narrower network gives).
Differs from the paper: channels are chosen beforehand, and weights are held near those that were inherited (ridge).

Shape letters: P positions (a row of a linear layer, a pixel of a convolution), K weights of an output, O outputs.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["refit"]

POSITIONS, NUMBERS = 2**15, 2**25
"""Positions of a layer that are looked at, since more say little more; fewer where they would hold more numbers than these."""
PER_WEIGHT = 2
"""A layer with fewer positions than so many times its unknowns is left as it was inherited."""
RIDGE = 1e-3
"""How strongly weights are held near what they were, beside the mean of the squares of what they multiply."""

Places = tuple[Tensor, ...]


class _ReachedError(Exception):
    """A network was computed as far as is needed."""


@torch.no_grad()
def refit(
    narrow: nn.Module, wide: nn.Module, batches: Sequence[tuple[Tensor, ...]], *, layers: Mapping[str, Tensor | None]
) -> tuple[str, ...]:
    """Fit layers of a narrower network, in place, in the order in which they compute; return the names of those that were.

    Args:
        narrow: In evaluation mode, on the CPU.
        wide: What it was made of, in evaluation mode, on the CPU.
        batches: Rows as both take them.
        layers: Convolutions and linear layers that read fewer channels than in the wide network, in the order in which they
            compute: which of the wide layer's outputs the narrow one has, int64 [O]; None = all.
    """
    generator = torch.Generator().manual_seed(0)
    places: dict[str, list[Places]] = {name: [] for name in layers}
    wanted: dict[str, list[Tensor]] = {name: [] for name in layers}

    def look(name: str, output: Tensor) -> None:
        layer: Any = wide.get_submodule(name)
        weights = layer.weight[0].numel()
        count = min(POSITIONS, max(PER_WEIGHT * weights, NUMBERS // weights))
        is_picture, kept = isinstance(layer, nn.Conv2d), layers[name]
        chosen = _chosen(output, is_picture, -(-count // len(batches)), generator)
        seen = _at(output, chosen, is_picture)
        places[name].append(chosen)
        wanted[name].append(seen if kept is None else seen[:, kept])

    hooks = [
        wide.get_submodule(name).register_forward_hook(lambda _, __, output, name=name: look(name, output)) for name in layers
    ]
    try:
        for batch in batches:
            wide(*batch)
    finally:
        for hook in hooks:
            hook.remove()
    fitted = []
    for name in layers:
        layer: Any = narrow.get_submodule(name)
        if len(places[name]) != len(batches) or not _is_plain(layer):
            continue  # it does not compute once for each batch, or reads more than patches with zeros around
        read = [_read(narrow, layer, batch, at) for batch, at in zip(batches, places[name], strict=True)]
        if _fit(layer, torch.cat(read), torch.cat(wanted[name])):
            fitted.append(name)
    return tuple(fitted)


def _is_plain(layer: nn.Module) -> bool:
    """Tell whether what a layer reads can be written down: of convolutions those with zeros of a known width around."""
    return not isinstance(layer, nn.Conv2d) or (not isinstance(layer.padding, str) and layer.padding_mode == "zeros")


def _chosen(output: Tensor, is_picture: bool, count: int, generator: torch.Generator) -> Places:
    """Choose positions of what a layer gives, at random: numbers along each dimension but that of the outputs."""
    sizes = [size for dim, size in enumerate(output.shape) if dim != (1 if is_picture else output.dim() - 1)]
    total = int(torch.tensor(sizes).prod())
    flat = torch.randperm(total, generator=generator)[: max(1, count)].sort().values
    return torch.unravel_index(flat, sizes)


def _at(output: Tensor, places: Places, is_picture: bool) -> Tensor:
    """Return what a layer gives at some positions, [P, O]."""
    return output.movedim(1, -1)[places] if is_picture else output[places]


def _read(network: nn.Module, layer: nn.Module, batch: tuple[Tensor, ...], places: Places) -> Tensor:
    """Return what a layer of a network reads at some positions, [P, K]; what comes behind it is not computed."""
    found = []

    def look(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        found.append(_patches(layer, arguments[0], places) if isinstance(layer, nn.Conv2d) else arguments[0][places])
        raise _ReachedError

    hook = layer.register_forward_pre_hook(look)
    try:
        with suppress(_ReachedError):
            network(*batch)
    finally:
        hook.remove()
    return found[0]


def _patches(layer: nn.Conv2d, pictures: Tensor, places: Places) -> Tensor:
    """Return the patches that a convolution multiplies by its filters, [P, K]."""
    assert not isinstance(layer.padding, str)
    row, high, across = places
    padded = F.pad(pictures, [size for size in reversed(layer.padding) for _ in range(2)])
    down, right = (
        place[:, None] * stride + torch.arange(size) * apart
        for place, stride, size, apart in zip((high, across), layer.stride, layer.kernel_size, layer.dilation, strict=True)
    )
    # Indices apart from each other come first, the channels last.
    return padded[row[:, None, None], :, down[:, :, None], right[:, None, :]].permute(0, 3, 1, 2).flatten(1)


def _fit(layer: Any, read_PK: Tensor, wanted_PO: Tensor) -> bool:
    """Fit a layer's weights, and its bias where it has one; False where there are too few positions."""
    has_bias = layer.bias is not None
    count, size = read_PK.shape
    if count < PER_WEIGHT * (size + has_bias):
        return False
    before_KO = layer.weight.flatten(1).T.double()
    # With the means taken off, a bias needs no unknown of its own.
    mean_K, mean_O = _mean(read_PK, has_bias), _mean(wanted_PO, has_bias)
    read, wanted = read_PK - mean_K.float(), wanted_PO - mean_O.float()
    square_KK = (read.T @ read).double()
    hold = RIDGE * square_KK.diagonal().mean().clamp_min(torch.finfo(torch.float32).tiny)
    square_KK += hold * torch.eye(size, dtype=torch.float64)
    found_KO = torch.linalg.solve(square_KK, (read.T @ wanted).double() + hold * before_KO)
    if not found_KO.isfinite().all():
        return False
    layer.weight.copy_(found_KO.T.reshape(layer.weight.shape))
    if has_bias:
        layer.bias.copy_(mean_O - mean_K @ found_KO)
    return True


def _mean(values_PN: Tensor, has_bias: bool) -> Tensor:
    """Return the mean of each column, float64; 0 where no bias could stand for it."""
    mean_N = values_PN.double().mean(dim=0)
    return mean_N if has_bias else torch.zeros_like(mean_N)
