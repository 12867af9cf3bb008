"""Structured pruning: whole channels and units leave a network, those whose weights are smallest, so that it computes less.

Use it before fine-tuning a trained network; without it, accuracy is lost. What is narrowed are layers whose channels go to one
other layer only, past whatever treats each channel by itself (norms of batches, nonlinearities, pooling). What is added to
something else, such as the stream past residual branches, keeps its width. Single weights set to 0 would make no product faster.

Source: Pruning Filters for Efficient ConvNets (Li et al. 2016, arXiv 1608.08710), section 3.1.
Differs from the paper: a filter's size is its L2 norm, times that of the batch norm's factor behind it, as what follows sees it.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Node

__all__ = ["Narrowed", "narrowed", "narrowed_to"]

MULTIPLE, MANY = 8, 32
"""Layers of more than `MANY` channels keep a multiple of eight: what a processor computes at once."""
LAYERS = (nn.Conv2d, nn.Linear)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
ATEN = torch.ops.aten
BY_ITSELF = {
    ATEN.relu.default, ATEN.gelu.default, ATEN.silu.default, ATEN.tanh.default, ATEN.sigmoid.default, ATEN.clone.default,
    ATEN.dropout.default, ATEN.max_pool2d.default, ATEN.avg_pool2d.default, ATEN.adaptive_avg_pool2d.default,
}  # fmt: skip
"""Operations that treat each channel by itself and leave it at its place."""
REDUCED = {ATEN.amax.default, ATEN.mean.dim}
"""Operations over pixels, after which a channel is the last dimension."""


@dataclass(frozen=True)
class Narrowed:
    """A narrower network.

    Attributes:
        network: The copy.
        layers: Of each layer that lost some: channels or units before and after.
        kept: Of each of these, which stayed, int64, ascending.
        readers: The layers that read them, in the order in which they compute.
    """

    network: nn.Module
    layers: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    kept: Mapping[str, Tensor] = field(default_factory=dict)
    readers: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Chain:
    """A layer whose channels go to one other layer only."""

    layer: str
    norms: tuple[str, ...]
    reader: str


def narrowed(network: nn.Module, example: tuple[Tensor, ...], *, share: float) -> Narrowed:
    """Return a copy of a network without a share of the channels of each layer that can lose some.

    Args:
        network: Is not changed.
        example: A batch of two rows or more, as it takes them.
        share: Of the channels that leave, in (0, 1); at least one stays.

    Raises:
        RuntimeError: The network cannot be traced.
    """
    made = deepcopy(network).cpu()
    return _without(made, {chain: _rounded(_width(made, chain), share) for chain in _chains(made, example)})


def narrowed_to(network: nn.Module, example: tuple[Tensor, ...], *, sizes: Mapping[str, int]) -> Narrowed:
    """Return a copy of a network whose layers have other sizes where that can be, each with its largest channels.

    Args:
        network: Is not changed.
        example: A batch of two rows or more, as it takes them.
        sizes: Channels or units by the layer's name; layers that are not named, or not larger, keep what they have.

    Raises:
        RuntimeError: The network cannot be traced.
    """
    made = deepcopy(network).cpu()
    return _without(made, {chain: sizes.get(chain.layer, _width(made, chain)) for chain in _chains(made, example)})


def _without(made: nn.Module, counts: Mapping[_Chain, int]) -> Narrowed:
    """Leave each layer so many of its channels, in place."""
    # Sizes are those before anything left: what a layer reads has no say in which of its own channels leave.
    kept = {chain: _largest(made, chain, count=min(count, _width(made, chain))) for chain, count in counts.items()}
    fewer = {chain: keep for chain, keep in kept.items() if len(keep) < _width(made, chain)}
    layers = {chain.layer: (_width(made, chain), len(keep)) for chain, keep in fewer.items()}
    for chain, keep in fewer.items():
        _write(made, chain, keep)
    return Narrowed(
        made, layers, kept={chain.layer: keep for chain, keep in fewer.items()}, readers=tuple(chain.reader for chain in fewer)
    )


def _width(network: nn.Module, chain: _Chain) -> int:
    """Return how many channels a layer has."""
    return len(network.get_submodule(chain.layer).weight)  # type: ignore[arg-type]


def _rounded(width: int, share: float) -> int:
    """Return how many channels stay of a layer without a share of them."""
    count = max(1, round(width * (1 - share)))
    return min(width, -(-count // MULTIPLE) * MULTIPLE) if width > MANY else count


def _largest(network: nn.Module, chain: _Chain, *, count: int) -> Tensor:
    """Return the channels of a layer that stay, int64, ascending."""
    weight: Any = network.get_submodule(chain.layer).weight
    size = weight.detach().flatten(1).norm(dim=1)
    for name in chain.norms:
        factor: Any = network.get_submodule(name).weight
        variance: Any = network.get_submodule(name).running_var
        size = size * (factor.detach().abs() / (variance + 1e-5).sqrt())
    kept: Tensor = size.topk(count).indices.sort().values
    return kept


def _write(network: nn.Module, chain: _Chain, keep: Tensor) -> None:
    """Take a layer's other channels away: from it, from the norms behind it, and from the layer that reads them."""
    layer: Any = network.get_submodule(chain.layer)
    reader: Any = network.get_submodule(chain.reader)
    _select(layer, ("weight", "bias"), keep)
    for name in chain.norms:
        norm: Any = network.get_submodule(name)
        _select(norm, ("weight", "bias", "running_mean", "running_var"), keep)
        norm.num_features = len(keep)
    reader.weight = nn.Parameter(reader.weight.detach()[:, keep].contiguous())
    for module, sizes in ((layer, ("out_channels", "out_features")), (reader, ("in_channels", "in_features"))):
        for size in sizes:
            if hasattr(module, size):
                setattr(module, size, len(keep))


def _select(module: Any, names: tuple[str, ...], keep: Tensor) -> None:
    """Keep some entries of a module's tensors."""
    for name in names:
        value = getattr(module, name)
        if value is not None:
            chosen = value.detach()[keep].contiguous()
            setattr(module, name, nn.Parameter(chosen) if isinstance(value, nn.Parameter) else chosen)


def _chains(network: nn.Module, example: tuple[Tensor, ...]) -> list[_Chain]:
    """Find the layers whose channels go to one other layer only."""
    exported = torch.export.export(network.eval(), example)
    signature = exported.graph_signature
    tensors = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    graph = exported.graph
    found = []
    for node in graph.nodes:
        name = _layer(node, network, tensors)
        if name and (chain := _followed(name, node, network, tensors)):
            found.append(chain)
    return found


def _followed(name: str, node: Node, network: nn.Module, tensors: Mapping[str, str]) -> _Chain | None:
    """Follow a layer's outputs to the one layer that reads them."""
    place, norms = _channel(node), list[str]()
    while len(node.users) == 1:
        (node,) = node.users
        if reader := _layer(node, network, tensors):
            # A product reads its last dimension, a convolution the second.
            reads = node.args[0].meta["val"].dim() - 1 if node.target == ATEN.linear.default else 1  # type: ignore[union-attr]
            return _Chain(name, tuple(norms), reader) if reads == place and reader != name else None
        if norm := _module(node, network, tensors, target=ATEN.batch_norm.default, kinds=NORMS):
            if place != 1:
                return None
            norms.append(norm)
        elif node.target in REDUCED and place == 1 and _over_pixels(node):
            place = 1
        elif node.target not in BY_ITSELF:
            return None
    return None


def _over_pixels(node: Node) -> bool:
    """Tell whether a reduction leaves rows and channels alone, and nothing else."""
    before: Any = node.args[0]
    dims = {int(d) % before.meta["val"].dim() for d in node.args[1]}  # type: ignore[union-attr, arg-type]
    return not dims & {0, 1} and node.meta["val"].dim() == 2


def _channel(node: Node) -> int:
    """Return the dimension in which a layer's channels are."""
    return int(node.meta["val"].dim()) - 1 if node.target == ATEN.linear.default else 1


def _layer(node: Node, network: nn.Module, tensors: Mapping[str, str]) -> str:
    """Return the name of the layer that a node computes, where it may be made narrower; else ""."""
    for target in (ATEN.conv2d.default, ATEN.linear.default):
        if name := _module(node, network, tensors, target=target, kinds=LAYERS):
            return name if getattr(network.get_submodule(name), "groups", 1) == 1 else ""
    return ""


def _module(node: Node, network: nn.Module, tensors: Mapping[str, str], *, target: Any, kinds: tuple[type, ...]) -> str:
    """Return the name of the plain module whose weight a node uses, and nobody else does; else ""."""
    if node.target != target or len(node.args) < 2 or not isinstance(node.args[1], Node):
        return ""
    weight = node.args[1]
    owner, _, leaf = tensors.get(weight.name, "").rpartition(".")
    is_plain = leaf == "weight" and type(network.get_submodule(owner)) in kinds and len(weight.users) == 1
    return owner if is_plain else ""
