"""What the weights of a network tell of its training: how far they moved, whether units are alike, which are dead.

Everything is read before the first step and after the last one: training pays nothing, and is the same with and without.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tutelage.diagnosis.facts import Layer
from tutelage.training.state import TrainState

__all__ = ["Vitals", "dead_units"]

MOST_NUMBERS = 4_096
"""Numbers of a weight that are remembered from the beginning, evenly spaced: enough to tell how far all of them moved."""
ALIKE = 1e-5
"""Of the largest weight: units that differ by less are alike, but for rounding."""
RECTIFIERS = (nn.ReLU, nn.ReLU6)
NUM_BATCHES = 4
"""Batches by which dead units are told: one that answers anything to any of these rows lives."""


class Vitals:
    """Remembers a few numbers of every weight that learns, and looks at them again after training."""

    def __init__(self, state: TrainState) -> None:
        """Take the weights as they begin; a resumed training asks before it puts its state back."""
        self._weights = dict(_weights(state))
        self._began = {name: _some(weight) for name, weight in self._weights.items()}

    def layers(self) -> tuple[Layer, ...]:
        """Return each weight of at least two dimensions as training has left it."""
        return tuple(
            Layer(name, _num_units(weight), _are_alike(weight), _moved(self._began[name], weight))
            for name, weight in self._weights.items()
        )


def dead_units(network: nn.Module, run: Callable[[], object]) -> tuple[Layer, ...]:
    """Return each rectifier of a network, with the fraction of its units that answer 0 to all rows that `run` gives it."""
    alive: dict[str, Tensor] = {}
    with _watching(network, alive):
        run()
    return tuple(Layer(name, len(unit), dead=1.0 - float(unit.double().mean())) for name, unit in alive.items())


@contextmanager
def _watching(network: nn.Module, alive: dict[str, Tensor]) -> Iterator[None]:
    """While entered, note in `alive` which units of each rectifier answered anything, bool [units], by its name."""
    counts: dict[str, int] = {}

    def watch(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def note(module: nn.Module, inputs: object, output: Tensor) -> None:
            counts[name] = counts.get(name, 0) + 1
            if counts[name] > NUM_BATCHES:
                return
            # Pictures have their channels second, everything else its units last.
            units = output.movedim(1, -1) if output.dim() == 4 else output
            found = (units != 0).flatten(0, -2).any(dim=0)
            alive[name] = found if name not in alive else alive[name] | found

        return note

    handles = [
        module.register_forward_hook(watch(name)) for name, module in network.named_modules() if isinstance(module, RECTIFIERS)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _weights(state: TrainState) -> Iterator[tuple[str, Tensor]]:
    """Yield the matrices and filters that learn, of all phases."""
    for update in state.step.updates.values():
        for name, parameter in update.named:
            if parameter.dim() > 1 and parameter.numel() > 1 and parameter.is_floating_point():
                yield name, parameter.detach()


def _some(weight: Tensor) -> Tensor:
    """Return some of a weight's numbers, evenly spaced, float64 on the CPU."""
    flat = weight.reshape(-1)
    return flat[:: -(-len(flat) // MOST_NUMBERS)].to("cpu", torch.float64, copy=True)


def _moved(before: Tensor, weight: Tensor) -> float:
    """Return how far a weight moved, relative to its size before; where that is 0, to the size that random weights have."""
    size = float(before.norm()) or math.sqrt(len(before) / weight[0].numel())
    return float((_some(weight) - before).norm()) / size


def _num_units(weight: Tensor) -> int:
    """Return how many units there are along the dimension in which they could be alike."""
    return max(weight.shape[0], weight.shape[-1])


def _are_alike(weight: Tensor) -> bool:
    """Tell whether the weights are equal along their first or last dimension, of more than one entry."""
    limit = ALIKE * float(weight.abs().max())
    return any(weight.shape[place] > 1 and float((weight - weight.narrow(place, 0, 1)).abs().max()) <= limit for place in (0, -1))
