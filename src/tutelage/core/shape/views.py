"""Ways in which a model may look at its input: an architecture asks a shape for the view it needs, never for its kind.

So a new kind of data works with every architecture whose view it can offer, and neither has to know the other.
"""

from dataclasses import dataclass

__all__ = ["Columns", "Grid", "Tokens", "Vector", "View"]


@dataclass(frozen=True, slots=True)
class View:
    """A way of looking at an input."""


@dataclass(frozen=True, slots=True)
class Grid(View):
    """A picture-like float tensor [batch, channels, height, width]."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Columns(View):
    """Numbers float32 [batch, numbers] and category codes int64 [batch, len(cardinalities)].

    Attributes:
        numbers: Number of numeric features.
        cardinalities: For each category its number of codes, those for missing and unseen values included.
    """

    numbers: int
    cardinalities: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Vector(View):
    """One tensor that may be flattened to [batch, size]."""

    size: int


@dataclass(frozen=True, slots=True)
class Tokens(View):
    """Token numbers int64 [batch, length], each in 0..vocabulary_size - 1.

    Attributes:
        vocabulary_size: Number of different tokens.
        length: Most tokens in a row.
    """

    vocabulary_size: int
    length: int
