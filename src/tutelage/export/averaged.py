"""Several models as one graph: each prepares its own inputs and answers, and what leaves is the weighted mean.

What all of them take alike is handed over once. Words that members know different ones of are handed over once too, and looked up
by each; what is made of texts or files in another way for each member is handed over for each apart. Not a component.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.intake import Feed, RawInput, one_by_one
from tutelage.export.outgoing import Outgoing, Rows, answers_of_rows
from tutelage.predictor.ensemble import Ensemble, parts_of

__all__ = ["Averaged", "MeanRows", "averaged_rows"]

Names = Mapping[str, str]
"""For each input of a member its name among those of all."""


class Averaged(nn.Module):
    """Raw tensors to the weighted mean of what several graphs answer."""

    def __init__(self, graphs: Sequence[nn.Module], *, weights: Sequence[float], names: Sequence[Names]) -> None:
        """Hold them.

        Args:
            graphs: Each takes its own inputs by name, and gives the same outputs.
            weights: Of each in the mean.
            names: For each graph, what its inputs are called here.
        """
        super().__init__()
        self.graphs = nn.ModuleList(graphs)
        self.weights, self.names = tuple(weights), [dict(own) for own in names]

    def forward(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the mean of each output that all members give, in its type."""
        each = [
            graph({own: given[name] for own, name in names.items()}) for graph, names in zip(self.graphs, self.names, strict=True)
        ]
        return {name: self._mean([one[name] for one in each]) for name in each[0] if all(name in one for one in each)}

    def _mean(self, found: list[Tensor]) -> Tensor:
        total = torch.zeros_like(found[0], dtype=torch.float64)
        for weight, one in zip(self.weights, found, strict=True):
            total = total + weight * one.double()
        return total.to(found[0].dtype)


@dataclass(frozen=True)
class MeanRows:
    """Feeds the rows of a part to several models in one graph.

    Attributes:
        each: What feeds each of them.
        names: For each, under which name each of its inputs is handed over.
    """

    each: tuple[Rows, ...]
    names: tuple[Names, ...]

    def feed(self, part: RowsPart) -> Feed:
        """Yield row numbers and raw inputs, one row at a time."""
        for found in zip(*(one_by_one(rows.feed(part)) for rows in self.each), strict=True):
            raw: dict[str, np.ndarray] = {}
            for (_, inputs), names in zip(found, self.names, strict=True):
                raw |= {names[name]: values for name, values in inputs.items()}
            yield np.array([found[0][0]]), raw


def averaged_rows(ensemble: Ensemble, *, facts: Mapping[str, Any]) -> tuple[Outgoing, MeanRows]:
    """Return an ensemble that answers for rows, ready to be written, and what feeds it.

    Raises:
        RunError: A member's preprocessing, floor or network has no form that could leave.
    """
    each = [answers_of_rows(member, facts={}) for member in ensemble.members]
    models = [model for model, _ in each]
    inputs, names = _inputs(models)
    graph = Averaged([model.graph for model in models], weights=ensemble.weights, names=names)
    handed = {one.name: one.handed for one in inputs}
    first = models[0]
    members = [{**model.recipe, "names": _moved(own)} for model, own in zip(models, names, strict=True)]
    recipe: Mapping[str, Any] = first.recipe if all(one == members[0] for one in members) else {"members": members}
    whole = replace(ensemble, members=tuple(member for model in models for member in parts_of(model.predictor)[0]))
    model = Outgoing(
        whole, graph.eval(), inputs, first.outputs, first.labels, recipe, {**facts, "weights": list(ensemble.weights)}
    )
    rows = tuple(own for _, own in each)
    return model, MeanRows(rows, tuple({own: handed[name] for own, name in one.items()} for one in names))


def _inputs(models: Sequence[Outgoing]) -> tuple[tuple[RawInput, ...], list[Names]]:
    """Return the inputs of all, and for each model what its own are called among them."""
    taken: dict[str, RawInput] = {}
    names: list[Names] = []
    for number, model in enumerate(models, start=1):
        own: dict[str, str] = {}
        for one in model.inputs:
            name = _free(one, taken, number=number, is_apart=model.recipe != models[0].recipe)
            # Words stay one input: what differs is which of them a member knows.
            taken.setdefault(name, replace(one, name=name, given=one.name if one.takes_words and name != one.name else ""))
            own[one.name] = name
        names.append(own)
    return tuple(taken.values()), names


def _free(one: RawInput, taken: Mapping[str, RawInput], *, number: int, is_apart: bool) -> str:
    """Return the name of an input that is taken alike already, or another one."""
    there = taken.get(one.name)
    if there is None or (there.record() == one.record() and not is_apart):
        return one.name
    return f"{one.name} of member {number}"


def _moved(names: Names) -> dict[str, str]:
    """Return which inputs have another name than a member alone gives them."""
    return {own: name for own, name in names.items() if own != name}
