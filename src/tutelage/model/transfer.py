"""Which weights of one network another one can begin with: those of equal name and shape, and places that mean the same.

A head has a row for each class, an embedding one for each word: where these differ, rows move by what they stand for.
Use it before training; where all must fit, use `load_state_dict`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from tutelage.model.named import Places

__all__ = ["Moved", "Transfer", "match_weights"]


@dataclass(frozen=True, slots=True)
class Moved:
    """Places along one dimension that stand for the same in both networks.

    Attributes:
        dim: The dimension.
        now: Places in the new network.
        before: Places in the old one.
    """

    dim: int
    now: tuple[int, ...]
    before: tuple[int, ...]


@dataclass(frozen=True)
class Transfer:
    """What one network can take from another.

    Attributes:
        whole: Names of tensors that are taken as they are.
        parts: For tensors of which only some places stand for the same: which.
        fresh: Names of parameters that begin anew, wholly or in part.
        left: Names of the old tensors that find no place.
    """

    whole: tuple[str, ...]
    parts: Mapping[str, tuple[Moved, ...]] = field(default_factory=dict)
    fresh: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @torch.no_grad()
    def apply(self, network: nn.Module, before: Mapping[str, Tensor]) -> None:
        """Write the old values into a network that lies in memory, in place."""
        state = network.state_dict()
        for name in self.whole:
            state[name].copy_(before[name])
        for name, moves in self.parts.items():
            _write(state[name], before[name].to(state[name]), moves)


def match_weights(
    before: Mapping[str, Tensor],
    network: nn.Module,
    *,
    named_before: Mapping[str, Places],
    named_now: Mapping[str, Places],
) -> Transfer:
    """Find out what a network can take.

    Args:
        before: The old tensors by name.
        network: The new network, on any device.
        named_before: What places of the old tensors stand for; those of all others mean the same if shapes are equal.
        named_now: The same for the new network's.
    """
    parameters = {name for name, _ in network.named_parameters(remove_duplicate=False)}
    whole: list[str] = []
    fresh: list[str] = []
    parts: dict[str, tuple[Moved, ...]] = {}
    for name, value in network.state_dict().items():
        old, then, now = before.get(name), named_before.get(name, {}), named_now.get(name, {})
        if old is not None and old.shape == value.shape and dict(then) == dict(now):
            whole.append(name)
            continue
        if name in parameters:
            fresh.append(name)
        if old is not None and (moves := _moves(old, value, then, now)):
            parts[name] = moves
    left = [name for name in before if name not in parts and name not in whole]
    return Transfer(tuple(whole), parts, tuple(fresh), tuple(left))


def _moves(old: Tensor, new: Tensor, then: Places, now: Places) -> tuple[Moved, ...]:
    """Return which places move, by dimension; () where nothing stands for the same."""
    dims = sorted({*then, *now})
    others = [dim for dim in range(new.dim()) if dim not in dims]
    if old.dim() != new.dim() or not dims or any(old.shape[dim] != new.shape[dim] for dim in others):
        return ()
    moves = []
    for dim in dims:
        names, known = now.get(dim, ()), {name: place for place, name in enumerate(then.get(dim, ()))}
        if len(names) != new.shape[dim] or len(known) != old.shape[dim]:
            return ()
        pairs = [(place, known[name]) for place, name in enumerate(names) if name in known]
        if not pairs:
            return ()
        moves.append(Moved(dim, *zip(*pairs, strict=True)))
    return tuple(moves)


def _write(new: Tensor, old: Tensor, moves: tuple[Moved, ...]) -> None:
    """Write the places that move into `new`, in place."""
    first, *rest = moves
    now, before = (torch.tensor(places, device=new.device) for places in (first.now, first.before))
    chosen = old.index_select(first.dim, before)
    if rest:
        target = new.index_select(first.dim, now)
        _write(target, chosen, tuple(rest))
        chosen = target
    new.index_copy_(first.dim, now, chosen)
