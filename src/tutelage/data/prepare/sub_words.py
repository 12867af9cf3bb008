"""Sub-words: pieces of words that are frequent in the train part, found and looked up by the `tokenizers` library.

Not a component. What is kept of a tokenizer are its pieces, and for BPE the order in which they were merged; it is built anew
from these, so that a model's file brings nothing but data. Needs the extra `text`.

Sources: R. Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016, arXiv 1508.07909 (BPE; here
over bytes, as in GPT-2); M. Schuster and K. Nakajima, "Japanese and Korean Voice Search", ICASSP 2012 (word pieces; here in the
form of BERT: the longest piece that fits comes first).
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from tutelage.core.border import BorderError
from tutelage.core.errors import UsageError
from tutelage.data.prepare.token_store import code_type

__all__ = [
    "UNKNOWN_PIECE",
    "SubWords",
    "byte_pieces",
    "import_tokenizers",
    "learn_bpe",
    "learn_word_pieces",
    "without_surrogates",
]

INSTALL = "pip install 'tutelage[text]'"
UNKNOWN_PIECE = "[UNK]"
"""Code 0 where texts are learned from: what stands for a word with a character that is not known, and for a dropped token."""
GOES_ON = "##"
"""What a word piece begins with that does not begin a word."""
MOST_SIGNS = 1_000
"""Characters that word pieces are made of, the most frequent ones; words with others become the unknown piece."""
LEAST_COUNT = 2
"""How often a pair of pieces has to stand side by side to become one."""
MOST_PIECES = 2**20
LONGEST_WORD = 100
"""Characters without a blank after which a word is cut, such as in texts of genes or in links."""
PRINTABLE = frozenset((*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)))
"""Bytes that GPT-2 writes as the characters of their numbers."""


@dataclass(frozen=True)
class SubWords:
    """A vocabulary of sub-words.

    Attributes:
        pieces: By code; those of BPE are bytes, written as GPT-2 does (`byte_pieces`).
        merges: Pairs of pieces in the order in which they become one; None for word pieces.
    """

    pieces: tuple[str, ...]
    merges: tuple[tuple[str, str], ...] | None = None

    def __len__(self) -> int:
        return len(self.pieces)

    @classmethod
    def of_bytes(cls, pieces: str, merges: str) -> "SubWords":
        """Return the BPE that `pieces_told` and `merges_told` describe.

        Raises:
            BorderError: They do not fit together.
        """
        pairs = tuple(_pair(line) for line in merges.split("\n") if line)
        found = cls(_distinct(pieces), pairs)
        known = set(found.pieces)
        if not known.issuperset(byte_pieces()):
            raise BorderError("pieces: not every byte has one")
        strangers = {piece for pair in pairs for piece in (*pair, "".join(pair))} - known
        if strangers:
            raise BorderError(f"merges: {min(strangers)!r} is no piece")
        if not known <= {*byte_pieces(), *map("".join, pairs), UNKNOWN_PIECE}:
            raise BorderError("pieces: some are neither bytes nor merged")
        return found

    @classmethod
    def of_words(cls, pieces: str) -> "SubWords":
        """Return the word pieces that `pieces_told` describes.

        Raises:
            BorderError: The first of them is not the unknown one.
        """
        found = cls(_distinct(pieces))
        if found.pieces[0] != UNKNOWN_PIECE:
            raise BorderError(f"pieces: the first is {found.pieces[0]!r}, not {UNKNOWN_PIECE!r}")
        return found

    @property
    def pieces_told(self) -> str:
        """The pieces as one JSON string, a line each."""
        return "\n".join(self.pieces)

    @property
    def merges_told(self) -> str:
        """The merges as one JSON string, a line each."""
        return "\n".join(map(" ".join, self.merges or ()))

    @cached_property
    def _tokenizer(self) -> Any:
        return _word_tokenizer(self.pieces) if self.merges is None else _byte_tokenizer(self.pieces, self.merges)

    def tokenizer(self) -> str:
        """Return the tokenizer as the library writes it, JSON."""
        return str(self._tokenizer.to_str())

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the codes of each text, [length] each.

        Raises:
            UsageError: The library is not installed.
        """
        found = self._tokenizer.encode_batch_fast([without_surrogates(text) for text in texts], add_special_tokens=False)
        return [np.array(one.ids, dtype=code_type(len(self))) for one in found]


@cache
def byte_pieces() -> tuple[str, ...]:
    """Return how each byte is written, by its value: printable ones as themselves, the others as later characters."""
    others = iter(range(256, 512))
    return tuple(chr(byte) if byte in PRINTABLE else chr(next(others)) for byte in range(256))


def learn_bpe(texts: Iterable[str], *, vocabulary_size: int, has_unknown: bool = False) -> SubWords:
    """Merge the pair of neighbors that is most frequent, again and again, from bytes on; equal texts give equal pieces.

    Args:
        texts: What to learn from.
        vocabulary_size: Most pieces, the 256 bytes among them.
        has_unknown: Whether code 0 is kept for the unknown piece, which no text has.

    Raises:
        UsageError: The library is not installed.
    """
    library = import_tokenizers()
    tokenizer = library.Tokenizer(library.models.BPE())
    tokenizer.pre_tokenizer = _words_of(library, library.pre_tokenizers.ByteLevel(add_prefix_space=False))
    trainer = library.trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=LEAST_COUNT,
        show_progress=False,
        special_tokens=[UNKNOWN_PIECE] if has_unknown else [],
        initial_alphabet=sorted(byte_pieces()),
    )
    tokenizer.train_from_iterator(map(without_surrogates, texts), trainer)
    return SubWords(_by_code(tokenizer), _merges_of(tokenizer))


def learn_word_pieces(texts: Sequence[str], *, vocabulary_size: int) -> SubWords:
    """Merge neighbors as BPE does, within words, from characters on; equal texts give equal pieces.

    Raises:
        UsageError: The library is not installed.
    """
    library = import_tokenizers()
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(without_surrogates(text))
    usual = sorted((sign for sign in counts if not sign.isspace()), key=lambda sign: (-counts[sign], sign))[:MOST_SIGNS]
    signs = sorted(usual[: max(1, (vocabulary_size - 1) // 2)])
    tokenizer = library.Tokenizer(library.models.WordPiece(unk_token=UNKNOWN_PIECE))
    tokenizer.pre_tokenizer = _words_of(library, library.pre_tokenizers.BertPreTokenizer())
    # The library numbers characters within words as it happens on them, and breaks ties by these numbers: give them fixed ones.
    trainer = library.trainers.WordPieceTrainer(
        vocab_size=vocabulary_size,
        min_frequency=LEAST_COUNT,
        show_progress=False,
        special_tokens=[UNKNOWN_PIECE, *(GOES_ON + sign for sign in signs)],
        initial_alphabet=signs,
        limit_alphabet=len(signs),
        continuing_subword_prefix=GOES_ON,
    )
    tokenizer.train_from_iterator(map(without_surrogates, texts), trainer)
    return SubWords(_by_code(tokenizer))


def _byte_tokenizer(pieces: Sequence[str], merges: Sequence[tuple[str, str]]) -> Any:
    """Build a BPE over bytes."""
    library = import_tokenizers()
    codes = {piece: code for code, piece in enumerate(pieces)}
    tokenizer = library.Tokenizer(library.models.BPE(vocab=codes, merges=list(merges)))
    tokenizer.pre_tokenizer = _words_of(library, library.pre_tokenizers.ByteLevel(add_prefix_space=False))
    return tokenizer


def _word_tokenizer(pieces: Sequence[str]) -> Any:
    """Build a tokenizer of word pieces."""
    library = import_tokenizers()
    codes = {piece: code for code, piece in enumerate(pieces)}
    model = library.models.WordPiece(vocab=codes, unk_token=UNKNOWN_PIECE, continuing_subword_prefix=GOES_ON)
    tokenizer = library.Tokenizer(model)
    tokenizer.pre_tokenizer = _words_of(library, library.pre_tokenizers.BertPreTokenizer())
    return tokenizer


def _words_of(library: Any, usual: Any) -> Any:
    """Return what parts a text into words as usual, and very long ones in addition: learning takes the square of their length."""
    long = library.pre_tokenizers.Split(library.Regex(rf"\S{{{LONGEST_WORD}}}"), behavior="isolated")
    return library.pre_tokenizers.Sequence([long, usual])


def _by_code(tokenizer: Any) -> tuple[str, ...]:
    """Return a tokenizer's pieces in the order of their codes."""
    codes: dict[str, int] = tokenizer.get_vocab()
    return tuple(sorted(codes, key=lambda piece: codes[piece]))


def _merges_of(tokenizer: Any) -> tuple[tuple[str, str], ...]:
    """Return a tokenizer's merges in their order, which it tells in its JSON alone."""
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return tuple((first, second) for first, second in merges)


def _distinct(told: str) -> tuple[str, ...]:
    """Return pieces, a line each.

    Raises:
        BorderError: There are too many, or one twice.
    """
    pieces = tuple(told.split("\n"))
    if len(pieces) > MOST_PIECES or len(set(pieces)) < len(pieces) or "" in pieces:
        raise BorderError(f"pieces: {len(pieces):,} of them; expected at most {MOST_PIECES:,}, all different, and none empty")
    return pieces


def _pair(line: str) -> tuple[str, str]:
    """Return the two pieces of a merge.

    Raises:
        BorderError: There are not two.
    """
    first, blank, second = line.partition(" ")
    if not first or not blank or not second or " " in second:
        raise BorderError(f"merges: {line[:40]!r}, where two pieces belong")
    return first, second


def without_surrogates(text: str) -> str:
    """Return a text without halves of characters, which no UTF-8 has."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def import_tokenizers() -> Any:
    """Import the library, or say how to install it."""
    try:
        import tokenizers
    except ImportError as error:
        raise UsageError(f"sub-words are found by the tokenizers library, which is not installed: {INSTALL}") from error
    return tokenizers
