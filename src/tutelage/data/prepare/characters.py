"""Text as numbers of its characters, learned from the train part, in pieces of one length.

A character that the train part does not have becomes code 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.shape.tokens import TokensShape
from tutelage.core.typed import Size, take
from tutelage.data.part.base import Part
from tutelage.data.part.corpus import CorpusPart
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.data.rows.base import Rows
from tutelage.data.rows.windows import WindowRows

__all__ = ["Characters", "FittedCharacters"]

UNKNOWN = "\0"
"""Stands for every character that was not seen in training."""


class Characters(Prepare):
    """Settings of the preprocessing of text by characters."""

    kind: Literal["characters"] = "characters"
    length: int = Field(128, ge=2, le=2**20, description="Characters in a piece that is learned at once. Typical: 64 to 512.")

    def fit(self, part: Part) -> "FittedCharacters":
        """Learn the alphabet.

        Raises:
            DataError: The text is shorter than one piece.
        """
        text = _as_corpus(part).text
        if len(text) <= self.length:
            remedy = f"Give a longer text, or --set prepare.length={max(2, len(text) // 20)}."
            raise DataError([DataProblem(part.name, f"{len(text):,} characters, fewer than one piece of {self.length}", remedy)])
        return FittedCharacters(UNKNOWN + "".join(sorted(set(text) - {UNKNOWN})), self.length)

    def restore(self, state: Mapping[str, Any]) -> "FittedCharacters":
        """Rebuild what `FittedCharacters.state` returned."""
        return FittedCharacters(take(state, "alphabet", str), take(state, "length", Size))


@dataclass(frozen=True)
class FittedCharacters(Fitted):
    """Fitted preprocessing of text.

    Attributes:
        alphabet: Characters by code; code 0 stands for all others.
        length: Characters in a piece.
    """

    alphabet: str
    length: int

    @property
    def shape(self) -> TokensShape:
        """What a model receives."""
        return TokensShape(vocabulary_size=len(self.alphabet), length=self.length)

    def apply(self, part: Part) -> Rows:
        """Return pieces of `length + 1` tokens that begin at every token, so that each is predicted from all places."""
        return WindowRows(self.encode(_as_corpus(part).text), length=self.length + 1, stride=1)

    def pieces(self, part: Part) -> Rows:
        """Return pieces that overlap by one token only, so that each token is predicted once; for measuring."""
        return WindowRows(self.encode(_as_corpus(part).text), length=self.length + 1, stride=self.length)

    def frequencies(self, part: Part) -> np.ndarray:
        """Return how often each code is in a text, as fractions float64 [V]; each counts once more, so that none is 0."""
        counts = np.bincount(self.encode(_as_corpus(part).text), minlength=len(self.alphabet)) + 1.0
        return np.asarray(counts / counts.sum())

    def finisher(self) -> nn.Module:
        """Return the module that parts pieces into what is given and what is to be predicted."""
        return NextToken()

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        return {"alphabet": self.alphabet, "length": self.length}

    def say(self) -> str:
        """Write length and alphabet."""
        return f"pieces of {self.length} characters, {len(self.alphabet) - 1} different ones"

    def encode(self, text: str) -> np.ndarray:
        """Return the code of each character, uint8 or int32 [N]."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        known = np.frombuffer(self.alphabet[1:].encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        places = np.minimum(np.searchsorted(known, points), len(known) - 1)
        codes = np.where(known[places] == points, places + 1, 0)
        return codes.astype(np.uint8 if len(self.alphabet) <= 256 else np.int32)

    def decode(self, codes: Tensor) -> str:
        """Return the text of int64 [N]."""
        return "".join(self.alphabet[code] for code in codes.tolist())


class NextToken(nn.Module):
    """Pieces [B, T + 1] to `token` [B, T] and `target` [B, T], one token later."""

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return both."""
        piece = batch["token"]
        return {**batch, "token": piece[:, :-1], "target": piece[:, 1:]}


def _as_corpus(part: Part) -> CorpusPart:
    """Return the part if it is a text.

    Raises:
        DataError: It is not.
    """
    if isinstance(part, CorpusPart):
        return part
    raise DataError([DataProblem(part.name, "this is not a text", "The model was trained on a text: give it the same.")])
