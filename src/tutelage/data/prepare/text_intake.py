"""Texts before an exported graph: they become tokens outside, by a tokenizer that travels with the graph; the rest is inside.

Graphs of ONNX have no regular expressions that could cut a text into words. The tokenizer is written as the `tokenizers` library
reads it (`tokenizer.json`), which has bindings for many languages.

Shape letters: B texts, T tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.errors import UsageError
from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.intake import Feed, Intake, RawInput, padded_batches
from tutelage.data.prepare.kept_tokens import UNKNOWN, kept_tokens, tail_of

__all__ = ["TextIntake"]

INSTALL = "pip install 'tutelage[export]'"


@dataclass(frozen=True)
class TextIntake(Intake):
    """Texts as tokens.

    Attributes:
        texts_of: The texts of a part.
        length: Most tokens of a text.
        tokenizer: What `tokenizers` reads.
        marks_ends: Whether the tokenizer adds the tokens that mark the ends of a text.
    """

    texts_of: Callable[[RowsPart], Sequence[str]]
    length: int
    tokenizer: str
    marks_ends: bool = False

    @property
    def inputs(self) -> tuple[RawInput, ...]:
        """Tokens and how many each text has."""
        return (
            RawInput("token", "int64", ("length",), "numbers of tokens, padded with 0", example={"length": 24}),
            RawInput("token_length", "int64", (), "how many tokens each text has, at least 1"),
        )

    def module(self) -> nn.Module:
        """Return the module that tells what is padding."""
        return Masked("token")

    def feed(self, part: RowsPart) -> Feed:
        """Yield the tokens of each text."""
        pieces = self._by_file(self.texts_of(part))
        for rows, token_BT, length_B in padded_batches(pieces):
            yield rows, {"token": token_BT, "token_length": length_B}

    def _by_file(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the tokens of texts by the tokenizer that travels: it is on trial as much as the graph is.

        Raises:
            UsageError: The `tokenizers` library is not installed.
        """
        try:
            import tokenizers
        except ImportError as error:
            raise UsageError(
                f"texts leave with a tokenizer of the tokenizers library, which is not installed: {INSTALL}"
            ) from error
        library = tokenizers.Tokenizer.from_str(self.tokenizer)
        # Texts are cut and padded here, whatever the tokenizer was told by those who made it.
        library.no_truncation()
        library.no_padding()
        whole = [str(text).encode("utf-8", "replace").decode() for text in texts]
        found = library.encode_batch(whole, add_special_tokens=self.marks_ends)
        return [kept_tokens(one.ids, length=self.length).astype(np.int64) for one in found]

    def recipe(self) -> dict[str, Any]:
        """Return the tokenizer, whether it marks the ends, and how long texts are cut."""
        tail = tail_of(self.length)
        rule = f"of more than {self.length} tokens, the first {self.length - tail} and the last {tail}"
        cut = {"length": self.length, "tail": tail, "rule": f"{rule}; of none, the single token {UNKNOWN}"}
        return {"text": {"tokenizer": self.tokenizer, "add_special_tokens": self.marks_ends, "cut": cut}}


class Masked(nn.Module):
    """Padded rows and their lengths to padded rows and a mask."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, raw: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return `mask` bool [B, T] beside the rows."""
        place_T = torch.arange(raw[self.name].shape[1])
        return {**raw, "mask": place_T < raw[f"{self.name}_length"][:, None]}
