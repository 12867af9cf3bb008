"""What every architecture is: settings that build a module for given input and output shapes.

The module's forward takes the inputs in order: `image_BCHW`; or `number_BF, category_BK`; or one plain array. It
returns [B, O], or [B, M, O] where M members with shared weights each give an answer (losses and probabilities are then
averaged over the members): such a module says so by an attribute `num_members` = M, since [B, T, O] may be a sequence.

The first layer that touches the data and the head carry a `role` (`layers/roles.py`), for optimizers that treat them
differently from what lies between.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

import torch
from torch import nn

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import View
from tutelage.core.spec import Component

__all__ = ["Model"]

SIZES = 64
"""Widths that are tried for a smaller version, between none and its own."""


class Model(Component):
    """An architecture and its sizes."""

    family: ClassVar[str] = "model"
    views: ClassVar[tuple[type[View], ...]]
    """The ways of looking at an input that it understands; a shape must offer one of them."""

    clip: ClassVar[float] = 0.0
    """Largest norm of the gradients that it needs, where neither the user nor the data's defaults clip them; 0 for none."""
    widths_of: ClassVar[tuple[str, ...]] = ()
    """Settings that say how wide it is: smaller in a smaller version; () for an architecture that has none."""
    depths_of: ClassVar[tuple[str, ...]] = ()
    """Settings that say how many layers: fewer in a smaller version, since each has its price however narrow it is."""
    compiles: ClassVar[bool] = True
    """Whether torch.compile takes it as one graph."""

    has_stages: ClassVar[bool] = False
    """Whether its module is a chain of stages over pictures, the last of which is the head: each can be looked at."""

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the module, on the default device, initialized by its own scheme from torch's default generator.

        Raises:
            RecipeError: The architecture cannot take this input shape; the message names those that can.
        """
        raise NotImplementedError

    def scaled(self, factor: float) -> Self:
        """Return the same architecture with each of its widths times a factor, at least one step each."""
        changes: dict[str, Any] = {}
        for name in self.widths_of:
            value = getattr(self, name)
            least = next((mark.ge for mark in type(self).model_fields[name].metadata if hasattr(mark, "ge")), 1)
            is_one = not isinstance(value, tuple)
            stepped = [self._stepped(each, factor, least=least) for each in ((value,) if is_one else value)]
            changes[name] = stepped[0] if is_one else tuple(stepped)
        return self.but(**changes)

    def flatter(self, factor: float) -> Self:
        """Return the same architecture with each of its depths times a factor, at least one layer each."""
        return self.but(**{name: max(1, round(getattr(self, name) * factor)) for name in self.depths_of})

    def _stepped(self, value: int, factor: float, *, least: int) -> int:
        """Return a width times a factor, in whole steps; one that is less than a step is counted singly."""
        step = self.width_step if value >= self.width_step else 1
        return max(-(-least // step) * step, int(value * factor) // step * step)

    @property
    def width_step(self) -> int:
        """What its widths are multiples of."""
        return 1

    def smaller(self, shape: Shape, num_outputs: int, *, fraction: float) -> Self:
        """Return a version of the architecture, as wide as goes with at most a fraction of its parameters.

        It has the root of that fraction of the layers: half of them and half of the width are an eighth of the parameters.

        Args:
            shape: What it receives.
            num_outputs: What it returns for each row.
            fraction: In (0, 1).

        Raises:
            RecipeError: It has no widths, or at their least it has more.
        """
        return self._within(self.flatter(fraction**0.5), shape, num_outputs, fraction=fraction, evenly=False)

    def narrower(self, shape: Shape, num_outputs: int, *, fraction: float) -> Self:
        """Return the same with all of its layers, each narrower by about as much: it can begin with channels of a trained one.

        Args and errors as in `smaller`.
        """
        return self._within(self, shape, num_outputs, fraction=fraction, evenly=True)

    def _within(self, flat: Self, shape: Shape, num_outputs: int, *, fraction: float, evenly: bool) -> Self:
        """Return an architecture as wide as goes with at most a fraction of this one's parameters."""
        kind, most = getattr(self, "kind", ""), fraction * self.count(shape, num_outputs)
        tried = [flat.scaled(number / SIZES) for number in range(SIZES, 0, -1)] if self.widths_of else []
        found = next((model for model in dict.fromkeys(tried) if model.count(shape, num_outputs) <= most), None)
        if found is None:
            least = f" Its smallest has {tried[-1].count(shape, num_outputs):,}." if tried else ""
            lacks = f"has no version of at most {most:,.0f} parameters, {fraction:.3g} of its own"
            raise RecipeError(f"recipe: model = {kind!r} {lacks}.{least} Name another architecture: tutelage list model.")
        return self._grown(found, lambda model: model.count(shape, num_outputs) <= most, evenly=evenly)

    def _grown(self, smaller: Self, fits: Callable[[Self], bool], *, evenly: bool) -> Self:
        """Return a smaller version with single widths a step wider while that fits: the narrowest first, or the last ones."""
        while True:
            wider = list(self._wider(smaller))
            ordered = [model for _, model in (sorted(wider, key=lambda one: one[0]) if evenly else reversed(wider))]
            found = next((model for model in ordered if fits(model)), None)
            if found is None:
                return smaller
            smaller = found

    def _wider(self, smaller: Self) -> Iterator[tuple[float, Self]]:
        """Yield a smaller version with each of its widths a step wider, beside how much of its own width that had."""
        for name in self.widths_of:
            own, now = getattr(self, name), getattr(smaller, name)
            is_one = not isinstance(own, tuple)
            most, sizes = ((own,), (now,)) if is_one else (own, now)
            for place, (largest, size) in enumerate(zip(most, sizes, strict=True)):
                wider = size + (self.width_step if largest >= self.width_step else 1)
                if wider <= largest:
                    changed = wider if is_one else (*sizes[:place], wider, *sizes[place + 1 :])
                    yield size / largest, smaller.but(**{name: changed})

    def count(self, shape: Shape, num_outputs: int) -> int:
        """Return how many learned numbers it has for such inputs and outputs; nothing is computed."""
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in self.build(shape, num_outputs).parameters() if parameter.requires_grad)

    @classmethod
    def takes(cls, shape: Shape) -> bool:
        """Tell whether the architecture understands an input shape."""
        return any(shape.view(view) is not None for view in cls.views)

    def require(self, shape: Shape) -> None:
        """Refuse an input shape that the architecture does not understand.

        Raises:
            RecipeError: The message names the architectures that do.
        """
        if not self.takes(shape):
            fitting = [kind for kind in catalog.names("model") if catalog.load("model", kind).takes(shape)]
            kind = getattr(self, "kind", "")
            wanted = " or ".join(view.noun for view in self.views)
            raise RecipeError(
                f"recipe: model = {kind!r} takes {wanted}, and the data are {shape.say()}. Fitting: {', '.join(fitting)}."
            )
