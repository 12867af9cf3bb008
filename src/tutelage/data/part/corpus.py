"""A long text, read from one file; its parts are stretches that follow each other, never single lines."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tutelage.data.part.base import Part

__all__ = ["CorpusPart"]

EXCERPT_CHARACTERS = 300
BLOCK_CHARACTERS = 2**22
"""Characters that are turned into bytes at once."""


@dataclass(frozen=True)
class CorpusPart(Part):
    """A stretch of a text.

    Attributes:
        name: `train`, `validation` or `test`.
        text: Its characters.
        file: Where it was read, for messages.
        fingerprint: Hash of the characters.
    """

    kind: ClassVar[str] = "corpus"
    suits: ClassVar[str] = "characters"

    name: str
    text: str
    file: str
    fingerprint: str

    def __len__(self) -> int:
        return len(self.text)

    @property
    def running_text(self) -> str:
        """Its characters."""
        return self.text

    def stretch(self, start: int, stop: int, *, name: str) -> "CorpusPart":
        """Return the characters from `start` to `stop - 1` under another name."""
        text = self.text[start:stop]
        return replace(self, name=name, text=text, fingerprint=hash_text(text))

    def summary(self, examples: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        """Return the size of the alphabet and the beginning."""
        begins = {"label": "the text begins", "text": self.text[:EXCERPT_CHARACTERS]}
        return {"facts": {"different characters": len(set(self.text))}, "thumbnails": [begins]}


def hash_text(text: str) -> str:
    """Return the SHA-256 of a text."""
    told = hashlib.sha256()
    for begin in range(0, len(text), BLOCK_CHARACTERS):
        told.update(text[begin : begin + BLOCK_CHARACTERS].encode("utf-8", "surrogatepass"))
    return told.hexdigest()
