"""How raw values come into a model that has left the house: the inputs of an exported graph, and what is done to them inside it.

Every fitted preprocessing, and every floor, may give one. People (and other programs) then hand over pixels, cells or series as
they are, and the graph scales, resizes, looks up and fills in by itself. Not a component.

Shape letters: B batch, T places.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor, nn

from tutelage.data.part.base import RowsPart

__all__ = ["Feed", "Intake", "JoinedIntake", "RawInput", "one_by_one", "padded_batches", "row_batches"]

Feed = Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]
"""Row numbers int64 [B] and the raw inputs of these rows by name; texts and words are arrays of str."""
BATCH = 64
"""Rows of a part that are handed over at once."""


@dataclass(frozen=True)
class RawInput:
    """One input of an exported graph.

    Attributes:
        name: Such as `image`, or the name of a column.
        dtype: Type of the numbers that the graph computes with.
        sizes: Dimensions after the batch; a word names one that may differ from call to call.
        meaning: What to hand over, in words.
        words: Where words are handed over: the code of each; the graph takes codes int64 [B].
        unknown: The code of any other word.
        patterns: Where texts are handed over: regular expressions (RE2, for the whole text); the graph takes flags int64 [B, P].
        example: Sizes of the dimensions that may differ, as the graph is first run.
        given: Under which name it is handed over, where several inputs are made of the same words; "" = under its own.
    """

    name: str
    dtype: Literal["float64", "float32", "int64", "uint8", "bool"]
    sizes: tuple[int | str, ...]
    meaning: str
    words: Mapping[str, int] | None = None
    unknown: int = 0
    patterns: tuple[str, ...] = ()
    example: Mapping[str, int] = field(default_factory=dict)
    given: str = ""

    @property
    def handed(self) -> str:
        """The name under which people hand it over."""
        return self.given or self.name

    @property
    def takes_words(self) -> bool:
        """Whether people hand over words, for which the graph has numbers."""
        return self.words is not None or bool(self.patterns)

    @property
    def coded_sizes(self) -> tuple[int | str, ...]:
        """Dimensions after the batch of what the graph computes with."""
        return (len(self.patterns),) if self.patterns else self.sizes

    def coded(self, values: np.ndarray) -> np.ndarray:
        """Return the numbers of words, as a graph looks them up; other values as they are."""
        if self.words is not None:
            return np.array([self.words.get(str(value), self.unknown) for value in values.tolist()], dtype=np.int64)
        if self.patterns:
            # By RE2 too, as the runtimes of graphs do: Python means other characters by the same letters.
            texts = pa.array([str(value).encode("utf-8", "replace").decode() for value in values.tolist()], pa.string())
            hits = [pc.match_substring_regex(texts, rf"\A(?:{pattern})\z") for pattern in self.patterns]
            return np.stack([hit.to_numpy(zero_copy_only=False) for hit in hits], axis=1).astype(np.int64)
        return values

    def sample(self, batch: int) -> Tensor:
        """Return numbers of the right sizes, with which a graph is drawn."""
        sizes = [self.example.get(size, 1) if isinstance(size, str) else size for size in self.coded_sizes]
        return torch.ones(batch, *sizes, dtype=getattr(torch, self.dtype))

    @classmethod
    def restored(cls, record: Mapping[str, Any]) -> "RawInput":
        """Rebuild what `record` told."""
        sizes, patterns = tuple(record["sizes"][1:]), tuple(record.get("patterns", ()))
        words, unknown = record.get("words"), int(record.get("unknown", 0))
        given = str(record.get("given", ""))
        return cls(record["name"], record["dtype"], sizes, record["meaning"], words, unknown, patterns, given=given)

    def record(self) -> dict[str, Any]:
        """Return what the file beside an export says of it."""
        told: dict[str, Any] = {"name": self.name, "dtype": self.dtype, "sizes": ["batch", *self.sizes], "meaning": self.meaning}
        if self.words is not None:
            told |= {"words": dict(self.words), "unknown": self.unknown}
        if self.given:
            told["given"] = self.given
        return told | ({"patterns": list(self.patterns)} if self.patterns else {})


class Intake:
    """The way from raw values to what a model takes."""

    @property
    def inputs(self) -> tuple[RawInput, ...]:
        """The inputs, in order."""
        raise NotImplementedError

    def module(self) -> nn.Module:
        """Return the module that turns raw tensors, by name, into what the network takes (or, of a floor, into answers)."""
        raise NotImplementedError

    def feed(self, part: RowsPart) -> Feed:
        """Yield the rows of a part as raw inputs, a batch at a time.

        Raises:
            DataError: Rows that do not fit, all of them.
        """
        raise NotImplementedError

    def recipe(self) -> dict[str, Any]:
        """Return as JSON how inputs are made of what people have, where these are something else, such as texts."""
        return {}


@dataclass(frozen=True)
class JoinedIntake(Intake):
    """Several intakes whose inputs stand beside each other."""

    parts: tuple[Intake, ...]

    @property
    def inputs(self) -> tuple[RawInput, ...]:
        """Those of all; what several share stands once."""
        return tuple({one.name: one for part in self.parts for one in part.inputs}.values())

    def module(self) -> nn.Module:
        """Return the module that runs all of them."""
        return _Joined([part.module() for part in self.parts])

    def feed(self, part: RowsPart) -> Feed:
        """Yield the inputs of all, for the same rows, one at a time."""
        for found in zip(*(one_by_one(intake.feed(part)) for intake in self.parts), strict=True):
            rows = {int(row) for row, _ in found}
            assert len(rows) == 1, f"intakes give rows in one order, not {rows}"
            yield np.array([rows.pop()]), {name: values for _, inputs in found for name, values in inputs.items()}

    def recipe(self) -> dict[str, Any]:
        """Return what all say."""
        told: dict[str, Any] = {}
        for part in self.parts:
            told |= part.recipe()
        return told


class _Joined(nn.Module):
    """Runs several modules on the same raw tensors."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)

    def forward(self, raw: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return what all of them give."""
        made: dict[str, Tensor] = {}
        for part in self.parts:
            made = {**made, **part(raw)}
        return made


def row_batches(count: int, *, size: int = BATCH) -> Iterator[np.ndarray]:
    """Yield the numbers 0 .. count - 1, some at a time."""
    for begin in range(0, count, size):
        yield np.arange(begin, min(begin + size, count))


def padded_batches(pieces: Sequence[np.ndarray], *, size: int = 16) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield row numbers, pieces [L, ...] padded with 0 to [B, T, ...], and their lengths int64 [B]."""
    for rows in row_batches(len(pieces), size=size):
        own = [pieces[row] for row in rows.tolist()]
        length_B = np.array([len(piece) for piece in own], dtype=np.int64)
        padded = np.zeros((len(own), max(1, int(length_B.max())), *own[0].shape[1:]), dtype=own[0].dtype)
        for place, piece in enumerate(own):
            padded[place, : len(piece)] = piece
        yield rows, padded, length_B


def one_by_one(feed: Feed) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Yield single rows of a feed; what was padded for others loses that where a length says so."""
    for rows, inputs in feed:
        for place, row in enumerate(rows.tolist()):
            yield row, {name: values[place : place + 1] for name, values in inputs.items()}
