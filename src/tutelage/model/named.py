"""What the places along a parameter's dimensions stand for: the classes of a head, the words of an embedding, columns of a table.

Two networks that begin and end with other things can so give each other what both of them know.
"""

from collections.abc import Mapping, Sequence

from torch import nn

__all__ = ["Places", "named_places", "repeated"]

Places = Mapping[int, tuple[str, ...]]
"""By dimension of a parameter: what each place along it stands for."""
HEAD_OF_MEMBERS = 3
"""Dimensions of a head of several members, whose outputs are its last dimension; of all others they are the first."""


def named_places(
    network: nn.Module, *, roles: Mapping[str, str], entries: Mapping[str, tuple[str, ...]], outputs: Sequence[str]
) -> dict[str, Places]:
    """Name what is not the same in every network of an architecture.

    A module that knows the places of its own parameters says so by a method `named_places(entries)`.

    Args:
        network: The network, on any device.
        roles: Of its parameters: those with `output` are its head.
        entries: What its inputs stand for: words under `token`, columns under `number`, values of a category under `code K`.
        outputs: What its answers stand for.
    """
    found: dict[str, dict[int, tuple[str, ...]]] = {}
    for prefix, module in network.named_modules():
        own = module.named_places(entries) if hasattr(module, "named_places") else _of_embedding(module, entries.get("token", ()))
        for name, places in own.items():
            found.setdefault(f"{prefix}.{name}".lstrip("."), {}).update(places)
    for name, parameter in network.named_parameters():
        if roles.get(name) == "output" and parameter.dim():
            dim = parameter.dim() - 1 if parameter.dim() == HEAD_OF_MEMBERS else 0
            blocks, rest = divmod(parameter.shape[dim], max(len(outputs), 1))
            # Where outputs have no names of their own, they mean the same only if all of them do.
            names = repeated(outputs, blocks) if outputs and not rest else (f"answers {list(outputs)}",)
            found.setdefault(name, {})[dim] = names
    return {name: dict(places) for name, places in found.items()}


def repeated(names: Sequence[str], blocks: int) -> tuple[str, ...]:
    """Return names once for each block, such as a member of an ensemble, one block after the other.

    Example:
        >>> repeated(("cat", "dog"), 2)
        ('1 cat', '1 dog', '2 cat', '2 dog')
    """
    return tuple(f"{block} {name}" for block in range(1, blocks + 1) for name in names)


def _of_embedding(module: nn.Module, tokens: Sequence[str]) -> dict[str, Places]:
    """Name the rows of vectors for tokens: once for each place of a region, and one more row for what is beyond a text."""
    if not isinstance(module, nn.Embedding | nn.EmbeddingBag) or not tokens:
        return {}
    blocks, rest = divmod(module.num_embeddings, len(tokens))
    if not blocks or rest > 1:
        return {}
    return {"weight": {0: repeated(tokens, blocks) + ("beyond the text",) * rest}}
