"""Texts with answers as the tokens of public weights, by the tokenizer that came with them; needs the extra `text`.

Nobody has to name it: `--from FOLDER` chooses it for weights that read texts. Markup and capitals are left to the tokenizer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.core.border import BorderError
from tutelage.core.errors import RecipeError
from tutelage.core.typed import Size, take
from tutelage.data.part.base import Part
from tutelage.data.prepare.base import Prepare
from tutelage.data.prepare.sub_words import import_tokenizers, without_surrogates
from tutelage.data.prepare.token_store import code_type
from tutelage.data.prepare.token_texts import FittedTokens, as_texts, require_different

__all__ = ["PretrainedTexts", "FittedPretrainedTexts"]


class PretrainedTexts(Prepare):
    """The tokenizer, and how much of a text counts."""

    kind: Literal["pretrained_texts"] = "pretrained_texts"
    tokenizer: str = Field("", max_length=2**26, description="The tokenizer.json of the weights, as text.")
    length: int = Field(
        256, ge=4, le=2**20, description="Most tokens of a text; of a longer one the beginning and the end count."
    )

    def fit(self, part: Part) -> "FittedPretrainedTexts":
        """Take the texts; there is nothing to learn.

        Raises:
            DataError: They are no texts, or all the same.
            RecipeError: No tokenizer was given.
            UsageError: The `tokenizers` library is not installed.
        """
        if not self.tokenizer:
            raise RecipeError("recipe: prepare = 'pretrained_texts' is what public weights bring along. Say --from FOLDER.")
        require_different(part)
        return FittedPretrainedTexts(self.tokenizer, self.length, as_texts(part).text_column)

    def restore(self, state: Mapping[str, Any]) -> "FittedPretrainedTexts":
        """Rebuild what `FittedPretrainedTexts.state` returned."""
        return FittedPretrainedTexts(take(state, "tokenizer", str), take(state, "length", Size), take(state, "column", str))


@dataclass(frozen=True)
class FittedPretrainedTexts(FittedTokens):
    """Preprocessing of texts by the tokenizer of public weights.

    Attributes:
        written: Its tokenizer.json.
        length: Most tokens of a text, those that mark its ends among them.
        column: The column of a table that holds the texts; "" where they are not in a table.
    """

    unit: ClassVar[str] = "tokens"
    marks_ends: ClassVar[bool] = True
    written: str
    length: int
    column: str

    @cached_property
    def _tokenizer(self) -> Any:
        library = import_tokenizers()
        try:
            found = library.Tokenizer.from_str(self.written)
        except Exception as error:  # the library has no type of its own for what it cannot read
            raise BorderError(f"tokenizer: {str(error)[:200]}") from error
        found.no_truncation()
        found.no_padding()
        return found

    @cached_property
    def _names(self) -> dict[int, str]:
        return {code: piece for piece, code in self._tokenizer.get_vocab(with_added_tokens=True).items()}

    @property
    def vocabulary_size(self) -> int:
        """All tokens; numbers that none has count too."""
        return max(self._names) + 1

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the codes of the tokens of each text, with those that mark its ends."""
        found = self._tokenizer.encode_batch_fast(
            [without_surrogates(text) for text in texts], add_special_tokens=self.marks_ends
        )
        return [np.array(one.ids, dtype=code_type(self.vocabulary_size)) for one in found]

    def name_token(self, code: int) -> tuple[str, str]:
        """Return a token as it stands in the vocabulary."""
        return self._names.get(code, f"(unused {code})"), f"token {code:,} of {self.vocabulary_size:,}"

    def tokenizer(self) -> str:
        """Return the tokenizer.json; what else it was told to cut and to pad is left out, since `length` says that."""
        return json.dumps({**json.loads(self.written), "truncation": None, "padding": None}, ensure_ascii=False)

    def state(self) -> dict[str, Any]:
        """Return all that is known as JSON values."""
        return {"tokenizer": self.written, "length": self.length, "column": self.column}

    def say(self) -> str:
        """Write vocabulary and length."""
        return f"{self.vocabulary_size:,} tokens of public weights, texts of at most {self.length:,}"
