"""Texts, one a row, with their labels."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from tutelage.data.part.base import RowsPart, select_fingerprint

__all__ = ["TextPart"]

EXCERPT_CHARACTERS = 300
EXAMPLES = 6


@dataclass(frozen=True)
class TextPart(RowsPart):
    """Texts as read.

    Attributes:
        name: `train`, `test` or `input`.
        texts: object [N] of str.
        labels: One label a text (str or number), or None where there are none.
        names: object [N] of str: each text as people know it, such as `train.csv row 17` or `pos/17.txt`.
        fingerprint: Hash of texts and labels.
        target: What the labels are called.
        text_column: The column that the texts stood in, where they were read from a table.
    """

    kind: ClassVar[str] = "texts"
    suits: ClassVar[str] = "texts"
    can_be_made: ClassVar[bool] = False
    name: str
    texts: np.ndarray
    labels: np.ndarray | None
    names: np.ndarray
    fingerprint: str
    target: str = ""
    text_column: str = ""

    def __len__(self) -> int:
        return len(self.texts)

    def locate(self, index: int) -> str:
        """Name one text."""
        return str(self.names[index])

    def select(self, indices: np.ndarray) -> "TextPart":
        """Return the texts at `indices`, in that order."""
        return replace(
            self,
            texts=self.texts[indices],
            labels=None if self.labels is None else self.labels[indices],
            names=self.names[indices],
            fingerprint=select_fingerprint(self.fingerprint, indices),
        )

    def joined(self, other: "TextPart") -> "TextPart":
        """Return these texts, and those of another part after them."""
        labels = None if self.labels is None or other.labels is None else np.concatenate([self.labels, other.labels])
        return replace(
            self,
            texts=np.concatenate([self.texts, other.texts]),
            labels=labels,
            names=np.concatenate([self.names, other.names]),
            fingerprint=f"{self.fingerprint}+{other.fingerprint}",
        )

    def renamed(self, name: str) -> "TextPart":
        """Return the same texts under another name."""
        return replace(self, name=name)

    def show(self, index: int) -> dict[str, Any]:
        """Return the beginning of one text."""
        return {"text": shortened(str(self.texts[index]))}

    def summary(self, examples: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        """Return how long the texts are, and the beginning of one of each class."""
        lengths = np.array([len(text) for text in self.texts])
        firsts = [(name, rows[0]) for name, rows in list(examples.items())[:EXAMPLES] if rows]
        shown = [{"label": name, "text": shortened(str(self.texts[row]))} for name, row in firsts]
        return {"facts": {"characters in a text": f"{int(np.median(lengths)):,} (median)"}, "thumbnails": shown}

    def row_digests(self) -> list[bytes]:
        """Return a hash of each text, by which the checks find equal ones."""
        return [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in self.texts]


def shortened(text: str) -> str:
    """Return the beginning of a text."""
    return text if len(text) <= EXCERPT_CHARACTERS else text[: EXCERPT_CHARACTERS - 1].rstrip() + "…"
