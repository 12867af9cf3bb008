"""What a narrower network inherits of a wider one of the same architecture: of each layer the channels with the largest weights.

What reads them is then fitted to what it gave before. A student that begins so learns in the same epochs more than one that
begins from nothing (docs/LOG.md).

Source: Pruning Filters for Efficient ConvNets (Li et al. 2016, arXiv 1608.08710), section 3.1, for which channels stay; that a
student begins with its teacher's weights: DistilBERT (Sanh et al. 2019, arXiv 1910.01108), section 3.
Differs from the papers: the student learns from its teacher at once; channels are left out where DistilBERT leaves layers out.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from tutelage.core.shape.base import Shape
from tutelage.core.spec import Component
from tutelage.data.rows.base import Rows
from tutelage.model.example import example_batch
from tutelage.model.narrow import Narrowed, narrowed_to
from tutelage.model.refit import refit
from tutelage.task.base import TaskSpec

__all__ = ["Inheritance", "fits_wholly", "inherited", "settle"]

ROWS = 2
LOOK_ROWS, LOOK_BATCH, LOOK_NUMBERS = 2048, 128, 2**22
"""Train rows by which layers are fitted, how many at a time, and the most numbers in all of them beyond one batch."""


@dataclass(frozen=True)
class Inheritance:
    """What a network begins with.

    Attributes:
        weights: Tensors by name, on the CPU.
        wide: The trained network; None where nothing of it was left out. So with the next.
        narrow: What was made of it.
    """

    weights: Mapping[str, Tensor]
    wide: nn.Module | None = None
    narrow: Narrowed | None = None

    def settle(self, network: nn.Module, rows: Rows, finisher: nn.Module, *, names: tuple[str, ...]) -> None:
        """Fit the layers of a network that begins with these weights, as `settle` says, in place.

        Args:
            network: On the CPU; layers that began anew, such as a head of another meaning, are left as they are.
            rows: To learn from.
            finisher: Turns a compact batch into what the network takes.
            names: What it takes, in this order.
        """
        if self.wide is None or self.narrow is None:
            return
        then = self.narrow.network
        readers = (name for name in self.narrow.readers if _is_same(network.get_submodule(name), then.get_submodule(name)))
        settle(replace(self.narrow, network=network, readers=tuple(readers)), self.wide, rows, finisher, names=names)


def inherited(
    weights: Mapping[str, Tensor], network: nn.Module, *, task: TaskSpec, model: Component, shape: Shape, num_outputs: int
) -> Inheritance:
    """Return the weights of a trained network, without the channels for which a narrower one has no place.

    Args:
        weights: Of the trained network, by name, on the CPU.
        network: The narrower one, on any device.
        task: What the trained one learned.
        model: Its architecture.
        shape: What it takes.
        num_outputs: How many numbers it returns.

    Returns:
        As they are, where the other is not narrower, or its channels cannot be followed.
    """
    sizes = {
        name.removesuffix(".weight"): len(value)
        for name, value in network.state_dict().items()
        if name.endswith(".weight") and _is_narrower(value, weights.get(name))
    }
    if not sizes:
        return Inheritance(weights)
    # A border: what tracing raises is the tracer's choice, and who cannot be traced begins from nothing.
    with torch.device("cpu"), torch.random.fork_rng(devices=()), suppress(Exception):
        wide = task.make_network(model, shape, num_outputs)
        wide.load_state_dict(dict(weights))
        made = narrowed_to(wide, tuple(example_batch(shape, ROWS).values()), sizes=sizes)
        if not made.layers:
            return Inheritance(weights)  # what is smaller is a head of fewer answers
        return Inheritance({name: value.detach().contiguous() for name, value in made.network.state_dict().items()}, wide, made)
    return Inheritance(weights)


def settle(made: Narrowed, wide: nn.Module, rows: Rows, finisher: nn.Module, *, names: tuple[str, ...]) -> None:
    """Fit the layers of a narrower network that have lost inputs to what they gave before, in place.

    Args:
        made: The narrower network, on the CPU.
        wide: What it was made of, on the CPU.
        rows: To learn from.
        finisher: Turns a compact batch into what both take.
        names: What they take, in this order.
    """
    with torch.no_grad():
        size = sum(value.numel() for value in finisher(rows.take(torch.tensor([0]))).values())
        count = min(len(rows), LOOK_ROWS, max(LOOK_BATCH, LOOK_NUMBERS // max(size, 1)))
        numbers = torch.linspace(0, len(rows) - 1, count, dtype=torch.float64).long()
        finished = [finisher(rows.take(own)) for own in torch.split(numbers, LOOK_BATCH)]
    modes = {network: network.training for network in (made.network, wide)}
    refit(
        made.network.eval(),
        wide.eval(),
        [tuple(batch[name] for name in names) for batch in finished],
        layers={name: made.kept.get(name) for name in made.readers},
    )
    for network, is_training in modes.items():
        network.train(is_training)


def fits_wholly(weights: Mapping[str, Tensor], network: nn.Module) -> bool:
    """Tell whether a network finds each of its tensors among some weights, in its shape."""
    return all(name in weights and weights[name].shape == value.shape for name, value in network.state_dict().items())


def _is_same(layer: nn.Module, before: nn.Module) -> bool:
    """Tell whether a layer has the weights that it was to inherit."""
    now, then = layer.state_dict(), before.state_dict()
    return now.keys() == then.keys() and all(torch.equal(value, then[name]) for name, value in now.items())


def _is_narrower(now: Tensor, before: Tensor | None) -> bool:
    """Tell whether a layer has fewer channels than it had."""
    return before is not None and now.dim() == before.dim() > 1 and len(now) < len(before)
