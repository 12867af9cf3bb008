"""What a model receives and what it must return: shapes without data, all that an architecture gets to see."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["ArrayShape", "Column", "ImageShape", "InputShape", "TableShape", "shape_from_record", "shape_to_record"]

Role = Literal["number", "category", "date", "boolean", "dropped", "target"]


@dataclass(frozen=True, slots=True)
class ImageShape:
    """Images as float tensors [batch, channels, height, width], normalized with train statistics."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class TableShape:
    """Rows as two tensors: numbers float32 [batch, numbers], and category codes int64 [batch, len(cardinalities)].

    Attributes:
        numbers: Number of numeric features after preprocessing.
        cardinalities: For each category its number of codes, those for missing and unseen values included.
    """

    numbers: int
    cardinalities: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ArrayShape:
    """Plain float arrays [batch, *sizes], given to the model as they are."""

    sizes: tuple[int, ...]


InputShape = ImageShape | TableShape | ArrayShape


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the role it was given, and why."""

    name: str
    role: Role
    reason: str


def shape_to_record(shape: InputShape) -> dict[str, Any]:
    """Return a shape as JSON values."""
    return {"shape": type(shape).__name__, **asdict(shape)}


def shape_from_record(record: Mapping[str, Any]) -> InputShape:
    """Return the shape that `shape_to_record` wrote."""
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}
    del values["shape"]
    known: dict[str, type[InputShape]] = {"ImageShape": ImageShape, "TableShape": TableShape, "ArrayShape": ArrayShape}
    return known[record["shape"]](**values)
