"""What every preprocessing of a long text shares: it becomes one run of tokens, learned in pieces of one length.

Shape letters: N tokens, V vocabulary.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.shape.tokens import TokensShape
from tutelage.data.part.base import Part
from tutelage.data.part.corpus import CorpusPart
from tutelage.data.prepare.base import Fitted, unsuited
from tutelage.data.prepare.change import Change
from tutelage.data.prepare.token_store import code_type, store_tokens
from tutelage.data.rows.base import Rows
from tutelage.data.rows.pieces import PieceRows
from tutelage.data.rows.windows import WindowRows

__all__ = ["LEAST_LENGTH", "FittedText", "NextToken", "as_corpus", "blocks_of", "long_enough", "too_short"]

BLOCK_CHARACTERS = 2**18
"""Characters that are tokenized at once; a block may be longer where there is no blank for long."""
BLOCK_TOKENS = 2**20
"""Tokens that are counted at once."""
SEAM = re.compile(r"(?<=\S)(?=[ \n\r\t])")
"""Where a text may be cut without changing its tokens: no token has a blank behind another character."""

WHOLE_TEXT = 23
"""How many times as long as a piece a text is that is parted as usual: 1 / (0.05 * 0.9), rounded up."""
LEAST_LENGTH = 2
"""Tokens that a piece has at least."""
MOST_SHOWN = 6
MAX_TOLD = 12
"""Tokens whose numbers are told one by one."""


class FittedText(Fitted):
    """Fitted preprocessing of a long text.

    Attributes:
        length: Tokens in a piece.
        unit: What tokens are called, such as `characters`.
    """

    length: int
    unit: ClassVar[str]

    @property
    def num_characters(self) -> np.ndarray:
        """How many characters begin in each token: float64 [V]."""
        raise NotImplementedError

    @property
    def start(self) -> int:
        """The token that a text begins with where nobody says how: the end of a line, where there is such."""
        raise NotImplementedError

    @property
    def never_drawn(self) -> tuple[int, ...]:
        """Tokens that no generated text may have."""
        return ()

    def encode(self, text: str) -> np.ndarray:
        """Return the tokens of a text, whole numbers [N]."""
        raise NotImplementedError

    def most_tokens(self, text: str) -> int:
        """Return how many tokens a text has at most."""
        return len(text)

    @cached_property
    def _encoded(self) -> dict[str, np.ndarray]:
        return {}

    def tokens(self, part: Part) -> np.ndarray:
        """Return the tokens of a part, whole numbers [N], in memory or mapped from a disk; they are found once.

        Raises:
            DataError: It is no long text; or it is too large for the memory, and no disk has room.
        """
        corpus = as_corpus(part)
        if corpus.fingerprint not in self._encoded:
            blocks = map(self.encode, blocks_of(corpus.text))
            dtype = code_type(len(self.num_characters))
            most = self.most_tokens(corpus.text)
            self._encoded[corpus.fingerprint] = store_tokens(blocks, most=most, dtype=dtype, what=corpus.name)
        return self._encoded[corpus.fingerprint]

    def unknown(self, text: str) -> str:
        """Return the characters of a text, each once, that have no token of their own."""
        return ""

    def misfit(self, part: Part) -> str:
        """Return which characters of a text it does not know; "" where it knows all."""
        if not isinstance(part, CorpusPart):
            return super().misfit(part)
        unknown = self.unknown(part.text)
        shown = ", ".join(map(repr, unknown[:MOST_SHOWN])) + (", ..." if len(unknown) > MOST_SHOWN else "")
        return f"the new text has {len(unknown):,} characters that it does not know: {shown}" if unknown else ""

    def lasting(self, part: Part) -> dict[str, Any]:
        """Return how long pieces are."""
        return {"length": self.length} if isinstance(part, CorpusPart) else {}

    def writer(self) -> Callable[[Sequence[int]], str]:
        """Return what turns tokens into text as they come: a character whose last byte is still to come is held back."""
        raise NotImplementedError

    def decode(self, tokens: Tensor) -> str:
        """Return the text of int64 [N]."""
        return self.writer()(tokens.tolist())

    @property
    def shape(self) -> TokensShape:
        """What a model receives."""
        return TokensShape(vocabulary_size=len(self.num_characters), length=self.length)

    def apply(self, part: Part) -> Rows:
        """Return pieces of `length + 1` tokens that begin at every token, so that each is predicted from all places."""
        return WindowRows(self.tokens(part), length=self.length + 1, stride=1)

    def pieces(self, part: Part) -> PieceRows:
        """Return pieces that overlap by half, for measuring: each token is predicted from at least half a piece."""
        return PieceRows(self.tokens(part), length=self.length)

    def frequencies(self, part: Part) -> np.ndarray:
        """Return how often each token is in a text, as fractions float64 [V]; each counts once more, so that none is 0."""
        tokens, counts = self.tokens(part), np.ones(len(self.num_characters))
        # A block at a time, since numpy counts a copy of eight bytes a token.
        for begin in range(0, len(tokens), BLOCK_TOKENS):
            counts += np.bincount(tokens[begin : begin + BLOCK_TOKENS], minlength=len(counts))
        return np.asarray(counts / counts.sum())

    def finisher(self) -> nn.Module:
        """Return the module that parts pieces into what is given and what is to be predicted."""
        return NextToken()

    def changes(self, part: Any, row: int) -> list[Change]:
        """Return the number of each of the first tokens of one piece."""
        tokens = self.apply(part).take(torch.tensor([row]))["token"][0].tolist()
        how = f"number {{}} of {len(self.num_characters):,} {self.unit}"
        return [
            Change(f"place {place}", repr(self.decode(torch.tensor([token]))), str(token), how.format(token))
            for place, token in enumerate(tokens[:MAX_TOLD], start=1)
        ]

    def summary(self, part: Any) -> dict[str, Any]:
        """Return nothing: the text says it all."""
        return {}


class NextToken(nn.Module):
    """Pieces [B, T + 1] to `token` [B, T] and `target` [B, T], one token later."""

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return both."""
        piece = batch["token"]
        return {**batch, "token": piece[:, :-1], "target": piece[:, 1:]}


def blocks_of(text: str) -> Iterator[str]:
    """Yield a text in pieces whose tokens are those of the whole.

    Example:
        >>> [len(block) for block in blocks_of("a " * 200_000)]
        [262145, 137855]
    """
    begin = 0
    while begin < len(text):
        seam = SEAM.search(text, begin + BLOCK_CHARACTERS)
        end = seam.start() if seam else len(text)
        yield text[begin:end]
        begin = end


def long_enough(part: CorpusPart, *, num_tokens: int, length: int, unit: str) -> None:
    """Refuse a text that does not fill a piece.

    Raises:
        DataError: It does not.
    """
    if num_tokens <= length:
        # The validation part is a twentieth of a text, and has to hold more than one piece.
        fitting = num_tokens // 20 - 1
        raise DataError([too_short(part, num_tokens=num_tokens, length=length, unit=unit, fitting=fitting)])


def too_short(part: CorpusPart, *, num_tokens: int, length: int, unit: str, fitting: int) -> DataProblem:
    """Say that a part of a text does not fill a piece, and what would.

    Args:
        part: The part, which knows its file.
        num_tokens: How many it has.
        length: Tokens of a piece.
        unit: What tokens are called.
        fitting: The length of pieces that the text would fill.
    """
    shorter = f", or --set prepare.length={fitting}" if fitting >= LEAST_LENGTH else ""
    counted = f"{num_tokens:,} {unit.removesuffix('s') if num_tokens == 1 else unit}"
    # A piece and the token after it, in the validation part: a twentieth of what the test part, a tenth, leaves.
    remedy = f"Give a longer text ({WHOLE_TEXT * (length + 1):,} {unit} suffice for all parts){shorter}."
    return DataProblem(f"{part.file}, {part.name}", f"{counted}, fewer than one piece of {length:,}", remedy)


def as_corpus(part: Part) -> CorpusPart:
    """Return the part if it is a long text.

    Raises:
        DataError: It is not.
    """
    if isinstance(part, CorpusPart):
        return part
    raise unsuited(part, "this is not a long text", "a long text")
