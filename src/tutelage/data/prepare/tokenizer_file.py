"""Tokenizers as the `tokenizers` library reads them (`tokenizer.json`), for models that leave the house; not a component."""

import json
from collections.abc import Sequence
from typing import Any

from tutelage.data.prepare.kept_tokens import UNKNOWN
from tutelage.data.prepare.token_texts import MARKUP

__all__ = ["with_plain_texts", "word_tokenizer"]

UNKNOWN_WORD = "[UNK]"
"""No word has brackets in it."""


def word_tokenizer(words: Sequence[str], *, pattern: str, lowercase: bool) -> str:
    """Return a tokenizer that looks up the words of a text, JSON.

    Args:
        words: By code, from code 1 on.
        pattern: Regular expression of a word.
        lowercase: Whether capital and small letters are the same.
    """
    codes = {UNKNOWN_WORD: UNKNOWN, **{word: code for code, word in enumerate(words, start=1)}}
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": _plain(lowercase),
            "pre_tokenizer": {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": True},
            "post_processor": None,
            "decoder": None,
            "model": {"type": "WordLevel", "vocab": codes, "unk_token": UNKNOWN_WORD},
        }
    )


def with_plain_texts(tokenizer: str, *, lowercase: bool) -> str:
    """Return a tokenizer that takes markup out of texts first, JSON."""
    return json.dumps({**json.loads(tokenizer), "normalizer": _plain(lowercase)})


def _plain(lowercase: bool) -> dict[str, Any]:
    """Return what `token_texts.plain` does."""
    steps: list[dict[str, Any]] = [{"type": "Replace", "pattern": {"Regex": MARKUP.pattern}, "content": " "}]
    return {"type": "Sequence", "normalizers": steps + [{"type": "Lowercase"}] * lowercase}
