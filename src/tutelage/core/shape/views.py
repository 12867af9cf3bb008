"""Ways in which a model may look at its input: an architecture asks a shape for the view it needs, never for its kind.

So a new kind of data works with every architecture whose view it can offer, and neither has to know the other.
"""

from dataclasses import dataclass
from typing import ClassVar

__all__ = ["Canvas", "Columns", "Grid", "History", "Mixed", "Series", "Text", "Tokens", "Vector", "View"]


@dataclass(frozen=True, slots=True)
class View:
    """A way of looking at an input."""

    noun: ClassVar[str]
    """What a model that needs it takes, in words: `model = 'cnn' takes a grid`."""


@dataclass(frozen=True, slots=True)
class Grid(View):
    """A picture-like float tensor [batch, channels, height, width]."""

    noun: ClassVar[str] = "a grid"

    channels: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Canvas(View):
    """Random numbers float32 [batch, size] of which a picture is to be made; a model returns [batch, channels * height * width].

    Attributes:
        size: Random numbers.
        channels: Of the picture, as are `height` and `width`.
    """

    noun: ClassVar[str] = "random numbers for a picture"
    size: int
    channels: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class History(View):
    """What was measured before a moment, float32 [batch, length, channels], to be continued for `horizon` times.

    Values are on the standardized scale; gaps are filled. A model returns [batch, horizon, channels].

    Attributes:
        channels: Series.
        length: Times before the moment.
        horizon: Times after it.
        known: Numbers known at each of these times: a second tensor, float32 [batch, length + horizon, known]; 0 where there
            are none, and no such tensor.
        season: Times after which values come again; 1 where they do not.
    """

    noun: ClassVar[str] = "a history of series"

    channels: int
    length: int
    horizon: int
    known: int
    season: int = 1


@dataclass(frozen=True, slots=True)
class Columns(View):
    """Numbers float32 [batch, numbers] and category codes int64 [batch, len(cardinalities)].

    Attributes:
        numbers: Number of numeric features.
        cardinalities: For each category its number of codes, those for missing and unseen values included.
    """

    noun: ClassVar[str] = "columns"

    numbers: int
    cardinalities: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mixed(View):
    """Columns and a text a row: four tensors, those of `Columns` and then those of `Text`."""

    noun: ClassVar[str] = "columns with a text"

    columns: Columns
    text: "Text"


@dataclass(frozen=True, slots=True)
class Vector(View):
    """One tensor that may be flattened to [batch, size]."""

    noun: ClassVar[str] = "a vector"

    size: int


@dataclass(frozen=True, slots=True)
class Tokens(View):
    """A running text: token numbers int64 [batch, length], each in 0..vocabulary_size - 1; a model answers at each of them.

    Attributes:
        vocabulary_size: Number of different tokens.
        length: Most tokens in a row.
    """

    noun: ClassVar[str] = "running text"

    vocabulary_size: int
    length: int


@dataclass(frozen=True, slots=True)
class Text(View):
    """A text a row: token numbers int64 [batch, T] in 0..vocabulary_size - 1 and a mask bool [batch, T], True where there is one.

    T differs from batch to batch; a row has at least one token, and its tokens come first.

    Attributes:
        vocabulary_size: Number of different tokens.
        length: Most tokens in a row.
    """

    noun: ClassVar[str] = "a text a row"

    vocabulary_size: int
    length: int


@dataclass(frozen=True, slots=True)
class Series(View):
    """Measured values a row: float32 [batch, T, channels] and a mask bool [batch, T], True where there is a value.

    T differs from batch to batch where rows are of unequal length; a row has at least one place, and its places come first.

    Attributes:
        channels: Values at a time.
        length: Most times in a row.
    """

    noun: ClassVar[str] = "series"

    channels: int
    length: int
