"""What a narrower network inherits of a wider one of the same architecture: of each layer the channels with the largest weights.

A student that begins so learns in the same epochs more than one that begins from nothing (docs/LOG.md).

Source: Pruning Filters for Efficient ConvNets (Li et al. 2016, arXiv 1608.08710), section 3.1, for which channels stay; that a
student begins with its teacher's weights: DistilBERT (Sanh et al. 2019, arXiv 1910.01108), section 3.
Differs from the papers: the student learns from its teacher at once; channels are left out where DistilBERT leaves layers out.
"""

from collections.abc import Mapping
from contextlib import suppress

import torch
from torch import Tensor, nn

from tutelage.core.shape.base import Shape
from tutelage.core.spec import Component
from tutelage.model.example import example_batch
from tutelage.model.narrow import narrowed_to
from tutelage.task.base import TaskSpec

__all__ = ["fits_wholly", "inherited"]

ROWS = 2


def inherited(
    weights: Mapping[str, Tensor], network: nn.Module, *, task: TaskSpec, model: Component, shape: Shape, num_outputs: int
) -> Mapping[str, Tensor]:
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
        return weights
    # A border: what tracing raises is the tracer's choice, and who cannot be traced begins from nothing.
    with torch.device("cpu"), torch.random.fork_rng(devices=()), suppress(Exception):
        wide = task.make_network(model, shape, num_outputs)
        wide.load_state_dict(dict(weights))
        made = narrowed_to(wide, tuple(example_batch(shape, ROWS).values()), sizes=sizes)
        return {name: value.detach().contiguous() for name, value in made.network.state_dict().items()}
    return weights


def fits_wholly(weights: Mapping[str, Tensor], network: nn.Module) -> bool:
    """Tell whether a network finds each of its tensors among some weights, in its shape."""
    return all(name in weights and weights[name].shape == value.shape for name, value in network.state_dict().items())


def _is_narrower(now: Tensor, before: Tensor | None) -> bool:
    """Tell whether a layer has fewer channels than it had."""
    return before is not None and now.dim() == before.dim() > 1 and len(now) < len(before)
