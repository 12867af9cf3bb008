"""What every shape is: the tensors that a model receives, said without torch and without data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

from tutelage.core import catalog
from tutelage.core.shape.views import View
from tutelage.core.spec import Component

__all__ = ["Shape", "TensorSpec", "shape_from_record"]

Seen = TypeVar("Seen", bound=View)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input tensor.

    Attributes:
        sizes: Its dimensions after the batch.
        dtype: Type of its values; a mask is bool, True where there is a value.
        highs: For whole numbers: values lie in 0..high - 1; one high for each entry of the last dimension, or one for all.
    """

    sizes: tuple[int, ...]
    dtype: Literal["float32", "int64", "bool"] = "float32"
    highs: tuple[int, ...] = ()


class Shape(Component):
    """What a model receives after preprocessing; a file per kind says which tensors and which views."""

    family: ClassVar[str] = "shape"
    mirrored: ClassVar[Mapping[str, int]] = {}
    """Tensors that can be mirrored, each with the dimension of a batch that runs from left to right; empty where none can."""

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """The input tensors by name, in the order in which a model takes them."""
        raise NotImplementedError

    @property
    def views(self) -> tuple[View, ...]:
        """The ways in which a model may look at the tensors."""
        raise NotImplementedError

    def view(self, kind: type[Seen]) -> Seen | None:
        """Return one view, or None where this shape does not offer it."""
        return next((view for view in self.views if isinstance(view, kind)), None)

    def say(self) -> str:
        """Write the shape for people, such as `28x28 grey`."""
        raise NotImplementedError


def shape_from_record(record: Mapping[str, Any]) -> Shape:
    """Return the shape that `model_dump` wrote."""
    shape: Shape = catalog.load("shape", str(record.get("kind"))).model_validate(dict(record))
    return shape
