"""What every architecture is: settings that build a module for given input and output shapes.

The module's forward takes the inputs in order: `image_BCHW`; or `number_BF, category_BK`; or one plain array. It
returns [B, O], or [B, M, O] where M members with shared weights each give an answer (losses and probabilities are then
averaged over the members): such a module says so by an attribute `num_members` = M, since [B, T, O] may be a sequence.

The first layer that touches the data and the head carry a `role` (`layers/roles.py`), for optimizers that treat them
differently from what lies between.
"""

from typing import ClassVar

from torch import nn

from tutelage.core import catalog
from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import View
from tutelage.core.spec import Component

__all__ = ["Model"]


class Model(Component):
    """An architecture and its sizes."""

    family: ClassVar[str] = "model"
    views: ClassVar[tuple[type[View], ...]]
    """The ways of looking at an input that it understands; a shape must offer one of them."""

    clip: ClassVar[float] = 0.0
    """Largest norm of the gradients that it needs, where neither the user nor the data's defaults clip them; 0 for none."""
    compiles: ClassVar[bool] = True
    """Whether torch.compile takes it as one graph."""

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the module, on the default device, initialized by its own scheme from torch's default generator.

        Raises:
            RecipeError: The architecture cannot take this input shape; the message names those that can.
        """
        raise NotImplementedError

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
