"""Which weights of one network another one can begin with: those of equal name and shape, and rows that mean the same.

A head has a row for each class, an embedding one for each word: where the names of these differ, rows move by name.
Use it before training; where all must fit, use `load_state_dict`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

__all__ = ["Meaning", "Transfer", "match_weights"]

HEAD_OF_MEMBERS = 3
"""Dimensions of a head of several members, whose outputs are its last dimension; of all others they are the first."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the rows of some parameters stand for, before and now.

    Attributes:
        role: Of the parameters that have such rows: `input` for embeddings, `output` for the head.
        before: By place in the old network, such as class names; () where that is not known.
        now: By place in the new one.
    """

    role: str
    before: tuple[str, ...]
    now: tuple[str, ...]


@dataclass(frozen=True)
class Transfer:
    """What one network can take from another.

    Attributes:
        whole: Names of tensors that are taken as they are.
        rows: For tensors of which only some rows mean the same: dimension, places in the new one, places in the old one.
        fresh: Names of parameters that begin anew, wholly or in part.
        left: Names of the old tensors that find no place.
    """

    whole: tuple[str, ...]
    rows: Mapping[str, tuple[int, list[int], list[int]]] = field(default_factory=dict)
    fresh: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @torch.no_grad()
    def apply(self, network: nn.Module, before: Mapping[str, Tensor]) -> None:
        """Write the old values into a network that lies in memory, in place."""
        state = network.state_dict()
        for name in self.whole:
            state[name].copy_(before[name])
        for name, (dim, places, old_places) in self.rows.items():
            chosen = before[name].index_select(dim, torch.tensor(old_places)).to(state[name])
            state[name].index_copy_(dim, torch.tensor(places, device=state[name].device), chosen)


def match_weights(
    before: Mapping[str, Tensor], network: nn.Module, *, roles: Mapping[str, str], meanings: Sequence[Meaning] = ()
) -> Transfer:
    """Find out what a network can take.

    Args:
        before: The old tensors by name.
        network: The new network, on any device.
        roles: Of the new network's parameters, where they have one.
        meanings: What the rows of some parameters stand for; those of all others mean the same if their shapes are equal.
    """
    known = {meaning.role: meaning for meaning in meanings}
    parameters = {name for name, _ in network.named_parameters(remove_duplicate=False)}
    whole: list[str] = []
    fresh: list[str] = []
    rows: dict[str, tuple[int, list[int], list[int]]] = {}
    for name, value in network.state_dict().items():
        old, meaning = before.get(name), known.get(roles.get(name, ""))
        is_same = meaning is None or meaning.before == meaning.now
        if old is not None and old.shape == value.shape and is_same:
            whole.append(name)
            continue
        if name in parameters:
            fresh.append(name)
        if old is not None and meaning is not None and (found := _equal_rows(old, value, meaning)) is not None:
            rows[name] = found
    left = [name for name in before if name not in rows and name not in whole]
    return Transfer(tuple(whole), rows, tuple(fresh), tuple(left))


def _equal_rows(old: Tensor, new: Tensor, meaning: Meaning) -> tuple[int, list[int], list[int]] | None:
    """Return dimension and places of what means the same in both; None where nothing does."""
    places = {name: place for place, name in enumerate(meaning.before)}
    pairs = [(place, places[name]) for place, name in enumerate(meaning.now) if name in places]
    dim = old.dim() - 1 if old.dim() == HEAD_OF_MEMBERS else 0
    blocks = _count_blocks(old, new, meaning, dim)
    if not pairs or not blocks:
        return None
    now, before = len(meaning.now), len(meaning.before)
    spread = [(block * now + place, block * before + old_place) for block in range(blocks) for place, old_place in pairs]
    return dim, [place for place, _ in spread], [old_place for _, old_place in spread]


def _count_blocks(old: Tensor, new: Tensor, meaning: Meaning, dim: int) -> int:
    """Return how often the named rows come one after the other along a dimension, such as once for each member; 0 if never."""
    if old.dim() != new.dim() or not old.dim() or not meaning.before or not meaning.now:
        return 0
    others = [(a, b) for place, (a, b) in enumerate(zip(old.shape, new.shape, strict=True)) if place != dim]
    blocks, rest = divmod(new.shape[dim], len(meaning.now))
    fits = old.shape[dim] == blocks * len(meaning.before) + rest and rest < min(len(meaning.now), len(meaning.before))
    return blocks if fits and all(a == b for a, b in others) else 0
