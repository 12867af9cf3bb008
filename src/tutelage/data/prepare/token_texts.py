"""What every preprocessing of texts with answers shares: a text becomes tokens, padded batch by batch with others of its length.

Not a component. Of a long text the beginning and the end are kept. Code 0 stands for what a vocabulary does not have.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.shape.texts import TextShape
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.part.texts import TextPart
from tutelage.data.prepare.base import Fitted, unsuited
from tutelage.data.prepare.change import Change
from tutelage.data.prepare.kept_tokens import UNKNOWN, kept_tokens
from tutelage.data.prepare.padding import Pad
from tutelage.data.prepare.text_intake import TextIntake
from tutelage.data.prepare.token_store import code_type, store_tokens
from tutelage.data.rows.base import Rows
from tutelage.data.rows.ragged import Pieces, RaggedRows

__all__ = ["FittedTokens", "as_texts", "no_words", "plain", "require_different"]

MARKUP = re.compile(r"<[a-zA-Z/][^<>]{0,200}>")
"""Tags of HTML, such as `<br />`, which many texts of the web still have in them."""
HUGE = 1_000_000
"""Characters of a text that is more likely many texts in one."""
MAX_SHOWN = 5
MAX_CHARACTERS = 20
MAX_TOLD = 12
"""Tokens whose numbers are told one by one."""
MULTIPLE = 8
"""Batches are padded to a multiple of this, so that there are few different shapes."""
LONGER = 2
"""Small letters may take more bytes than capital ones: of two of `İ`, three."""
ENDS = 3
"""Tokens that mark beginning and end, in vocabularies that have such, and the one of an empty text."""
BLOCK_TEXTS = 512
"""Texts that are tokenized at once."""


class FittedTokens(Fitted):
    """Fitted preprocessing of texts with answers.

    Attributes:
        length: Most tokens of a text.
        column: The column of a table that holds the texts; "" where they are not in a table.
        unit: What tokens are called, such as `words`.
        marks_ends: Whether tokens that mark the ends of a text are among its tokens.
    """

    input_source: ClassVar[str] = "text_folder"
    row_form: ClassVar[str] = "text"
    takes_texts: ClassVar[bool] = True
    length: int
    column: str
    unit: ClassVar[str]
    marks_ends: ClassVar[bool] = False

    @property
    def vocabulary_size(self) -> int:
        """Number of different tokens, the unknown one among them."""
        raise NotImplementedError

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the tokens of each text, whole numbers [L], however many."""
        raise NotImplementedError

    def name_token(self, code: int) -> tuple[str, str]:
        """Return how a token is written, and how its number came about."""
        raise NotImplementedError

    def entries(self) -> dict[str, tuple[str, ...]]:
        """Return the tokens by code."""
        return {"token": tuple(self.name_token(code)[0] for code in range(self.vocabulary_size))}

    def adapted(self, part: Part) -> Self:
        """Return the same for texts that stand in another column, or in none."""
        return replace(self, column=as_texts(part).text_column)  # type: ignore[type-var]

    def changes(self, part: Any, row: int) -> list[Change]:
        """Return the number of each of the first tokens of one text."""
        found = self.encode([str(as_texts(part).texts[row])])[0]
        kept = kept_tokens(found, length=self.length).tolist()
        lost = f"; {len(found) - len(kept):,} in the middle are left out" if len(found) > len(kept) else ""
        unknown = f"{kept.count(UNKNOWN):,} of them {UNKNOWN} = unknown{lost}"
        told = [Change(f"all {self.unit}", f"{len(found):,} {self.unit}", f"{len(kept):,} numbers", unknown)]
        for place, code in enumerate(kept[:MAX_TOLD], start=1):
            name, how = self.name_token(code)
            told.append(Change(f"{self.unit.removesuffix('s')} {place}", name, str(code), how))
        return told

    @property
    def shape(self) -> TextShape:
        """What a model receives."""
        return TextShape(vocabulary_size=self.vocabulary_size, length=self.length)

    def apply(self, part: Part) -> Rows:
        """Return the tokens of each text, in memory or mapped from a disk; a text without any is one unknown token.

        Raises:
            DataError: They are no texts; or too many for the memory, and no disk has room.
        """
        texts = as_texts(part).texts
        lengths: list[int] = []
        tokens = store_tokens(
            self._blocks(texts, lengths),
            most=sum(min(self.length, LONGER * len(text.encode("utf-8", "replace")) + ENDS) for text in texts),
            dtype=code_type(self.vocabulary_size),
            what=part.name,
        )
        return RaggedRows({"token": Pieces(tokens, np.cumsum([0, *lengths], dtype=np.int64))})

    def _blocks(self, texts: np.ndarray, lengths: list[int]) -> Iterator[np.ndarray]:
        """Yield the tokens of some texts at a time, and take note of how many each has."""
        for begin in range(0, len(texts), BLOCK_TEXTS):
            cut = self.cut(texts[begin : begin + BLOCK_TEXTS].tolist())
            lengths += map(len, cut)
            yield np.concatenate(cut)

    def tokenizer(self) -> str:
        """Return what makes the same tokens, as the `tokenizers` library reads it."""
        raise NotImplementedError

    def intake(self) -> TextIntake:
        """Return the way from texts."""
        return TextIntake(lambda part: list(as_texts(part).texts), self.length, self.tokenizer(), self.marks_ends)

    def cut(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the tokens that are kept of each text; a text without any is one unknown token."""
        found = self.encode([str(text) for text in texts])
        return [kept_tokens(one, length=self.length) for one in found]

    def finisher(self) -> nn.Module:
        """Return the module that pads texts to one length and tells what is padding."""
        return Pad("token", multiple=MULTIPLE, dtype=torch.int64)

    def odd_rows(self, part: RowsPart) -> list[str]:
        """Return which texts are empty, and which are so long that hardly anything of them counts."""
        texts = as_texts(part).texts
        empty = [row for row, text in enumerate(texts) if not str(text).strip()]
        huge = [row for row, text in enumerate(texts) if len(text) > HUGE]
        keep = "counted as one unknown word. Remove such rows if that is a mistake"
        cut_up = f"only the first and the last {self.unit} count, {self.length:,} together. Cut up what is many texts in one"
        found = (("empty or blank", empty, keep), (f"of more than {HUGE:,} characters", huge, cut_up))
        return [f"{part.name}: texts that are {what}: {_some(part, rows)}: {remedy}" for what, rows, remedy in found if rows]

    def reading(self) -> dict[str, Any]:
        """Return the column in which a table has its texts."""
        return {"text": self.column} if self.column else {}


def plain(text: str, *, lowercase: bool) -> str:
    """Return a text without markup, in small letters where capitals do not matter."""
    if "<" in text:
        text = MARKUP.sub(" ", text)
    return text.lower() if lowercase else text


def as_texts(part: Part) -> TextPart:
    """Return the part if its rows are texts.

    Raises:
        DataError: They are not.
    """
    if isinstance(part, TextPart):
        return part
    raise unsuited(part, "its rows are no texts", "texts with answers")


def no_words(part: Part) -> DataError:
    """Return what to raise where no text has a word, with the first of them."""
    texts = as_texts(part)
    first = [f"{texts.locate(row)}: {str(texts.texts[row])[:MAX_CHARACTERS]!r}" for row in range(min(len(texts), MAX_SHOWN))]
    named = f" ({len(texts):,} texts: {', '.join(first)}{', ...' * (len(texts) > MAX_SHOWN)})" if first else ""
    return DataError([DataProblem(_where(texts), f"no text has a single word in it{named}", _other_texts(texts, "with words"))])


def require_different(part: Part) -> None:
    """Refuse texts that are all the same: nothing can be learned from them.

    Raises:
        DataError: They are.
    """
    texts = as_texts(part)
    if len(texts) > 1 and all(text == texts.texts[0] for text in texts.texts):
        found = f"all {len(texts):,} texts are the same: {str(texts.texts[0])[:MAX_CHARACTERS]!r}"
        raise DataError([DataProblem(_where(texts), found, _other_texts(texts, "that differ from row to row"))])


def _where(texts: TextPart) -> str:
    return f"{texts.name}, column {texts.text_column}" if texts.text_column else texts.name


def _other_texts(texts: TextPart, which: str) -> str:
    """Say what to do about texts from which nothing can be learned."""
    others = " Of a table with more columns, --text COLUMN names another one, and --text none learns without texts."
    return f"Give texts {which}.{others if texts.text_column else ''}"


def _some(part: RowsPart, rows: list[int]) -> str:
    """Count rows, and name the first of them."""
    return f"{len(rows):,} ({', '.join(part.locate(row) for row in rows[:MAX_SHOWN])}{', ...' * (len(rows) > MAX_SHOWN)})"
