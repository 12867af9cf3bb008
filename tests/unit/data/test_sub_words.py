"""Sub-words: learned alike each time, nothing of a text lost, the same after JSON, and refused where the record is damaged."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from tutelage.core.border import BorderError
from tutelage.core.errors import DataError, UsageError
from tutelage.core.shape.views import Text
from tutelage.data.part.corpus import CorpusPart, hash_text
from tutelage.data.part.texts import TextPart
from tutelage.data.prepare import running_text, sub_word_texts, token_store
from tutelage.data.prepare.bpe import Bpe
from tutelage.data.prepare.bpe_texts import BpeTexts
from tutelage.data.prepare.bytes import Bytes
from tutelage.data.prepare.characters import Characters
from tutelage.data.prepare.sub_words import UNKNOWN_PIECE, learn_bpe, learn_word_pieces
from tutelage.data.prepare.texts import Texts
from tutelage.data.prepare.word_piece_texts import WordPieceTexts
from tutelage.data.rows.mapped import is_mapped

pytest.importorskip("tokenizers")

TEXT = "Ärger über Öl:\t5 €\r\n\r\n  für   Zoë - 漢字 and 🙂.\x1c.\n" * 40
LINES = ["the lowest of the low", "newer and newest, wider and widest", "", "Ärger <br /> über Öl"] * 6


def corpus(text: str = TEXT) -> CorpusPart:
    return CorpusPart("train", text, "x.txt", hash_text(text))


def texts(lines: list[str] = LINES) -> TextPart:
    names = np.array([f"row {number}" for number in range(len(lines))], dtype=object)
    return TextPart("train", np.array(lines, dtype=object), None, names, "0")


@pytest.mark.parametrize("prepare", [BpeTexts(vocabulary_size=300), WordPieceTexts(vocabulary_size=60)])
def test_of_very_many_texts_some_are_learned_from(prepare: BpeTexts | WordPieceTexts, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for number in range(50) for line in (f"the lowest of {number}", f"never seen newest{number}")]
    monkeypatch.setattr(sub_word_texts, "MOST_CHARACTERS", sum(map(len, lines)) // 2)
    assert prepare.fit(texts(lines)) == prepare.fit(texts(lines[::2]))


def test_any_text_survives_and_its_characters_are_counted() -> None:
    fitted = Bpe(vocabulary_size=290, length=8).fit(corpus())
    for text in (TEXT, "never seen: ß ∑ \u2028 日本\n", "", "\0", "  leading and trailing  "):
        tokens = fitted.encode(text)
        assert fitted.decode(torch.from_numpy(tokens.astype(np.int64))) == text
        assert fitted.num_characters[tokens].sum() == len(text)
    assert len(fitted.encode(TEXT)) < 0.7 * len(TEXT.encode())
    assert fitted.shape.vocabulary_size == 290
    assert fitted.decode(torch.tensor([fitted.start])) == "\n"
    assert not fitted.unknown("ß")


def test_half_a_character_is_no_reason_to_stop() -> None:
    assert Bpe(vocabulary_size=300, length=8).fit(corpus()).encode("a\ud800b").size


def test_a_character_in_several_tokens_is_written_when_it_is_whole() -> None:
    fitted = Bpe(vocabulary_size=257, length=8).fit(corpus())
    write, tokens = fitted.writer(), fitted.encode("∑")
    assert [write([token]) for token in tokens.tolist()] == ["", "", "∑"]


@pytest.mark.parametrize("prepare", [Bpe(vocabulary_size=400, length=8), Bytes(length=8), Characters(length=8)])
def test_a_text_in_blocks_has_the_tokens_of_the_whole(prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = prepare.fit(corpus())
    for characters in (1, 7, 100):
        monkeypatch.setattr(running_text, "BLOCK_CHARACTERS", characters)
        again = prepare.restore(fitted.state())
        assert np.array_equal(again.tokens(corpus()), fitted.encode(TEXT))


def test_a_text_is_tokenized_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = Bpe(vocabulary_size=300, length=8).fit(corpus())
    monkeypatch.setattr(type(fitted), "encode", None)
    assert len(fitted.apply(corpus())) == len(fitted.pieces(corpus()).tokens) - 8
    assert fitted.frequencies(corpus()).sum() == pytest.approx(1)


@pytest.mark.parametrize("prepare", [Bpe(vocabulary_size=300, length=8), Bytes(length=8), Characters(length=8)])
def test_a_text_that_is_large_beside_the_memory_goes_to_a_disk(prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = prepare.fit(corpus()).tokens(corpus())
    monkeypatch.setattr(token_store, "memory_bytes", lambda: 1_000)
    fitted = prepare.fit(corpus())
    rows = fitted.apply(corpus())
    assert rows.is_on_disk
    assert is_mapped(fitted.tokens(corpus()))
    assert np.array_equal(fitted.tokens(corpus()), tokens)


@pytest.mark.parametrize("prepare", [Texts(), BpeTexts(vocabulary_size=300), WordPieceTexts(vocabulary_size=60)])
def test_texts_that_are_large_beside_the_memory_go_to_a_disk(prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted, numbers = prepare.fit(texts()), torch.arange(len(LINES))
    held = fitted.apply(texts())
    monkeypatch.setattr(token_store, "memory_bytes", lambda: 100)
    mapped = fitted.apply(texts())
    assert (held.is_on_disk, mapped.is_on_disk) == (False, True)
    assert all(torch.equal(value, mapped.take(numbers)[name]) for name, value in held.take(numbers).items())


@pytest.mark.parametrize("prepare", [BpeTexts(vocabulary_size=300, length=4), WordPieceTexts(vocabulary_size=60, length=4)])
def test_texts_are_the_same_after_json_and_code_zero_is_the_unknown(prepare: Any) -> None:
    fitted = prepare.fit(texts())
    again = prepare.restore(json.loads(json.dumps(fitted.state())))
    numbers = torch.arange(len(LINES))
    before, after = fitted.apply(texts()).take(numbers), again.apply(texts()).take(numbers)
    assert torch.equal(before["token"], after["token"])
    assert before["token_length"].max() == 4
    assert before["token_length"][2] == 1, "an empty text is one unknown token"
    assert fitted.words.pieces[0] == UNKNOWN_PIECE
    assert fitted.encode([UNKNOWN_PIECE])[0].tolist() != [0] or isinstance(prepare, WordPieceTexts)
    assert fitted.shape == again.shape
    assert fitted.shape.view(Text) is not None
    assert "empty or blank" in fitted.odd_rows(texts())[0]


def test_word_pieces_stay_within_words_and_markup_is_left_out() -> None:
    fitted = WordPieceTexts(vocabulary_size=60).fit(texts())
    pieces = [fitted.words.pieces[code] for code in fitted.encode(["newest <br /> widest 字"])[0]]
    assert "".join(pieces).replace("##", "") == f"newestwidest{UNKNOWN_PIECE}"
    assert len(pieces) > 3


def test_a_huge_word_takes_no_more_than_others_and_stays_whole() -> None:
    genes = "".join(np.random.default_rng(0).choice(list("acgt"), 300_000))
    fitted = Bpe(vocabulary_size=300, length=8).fit(corpus(genes))
    assert fitted.decode(torch.from_numpy(fitted.tokens(corpus(genes)).astype(np.int64))) == genes
    assert WordPieceTexts(vocabulary_size=60).fit(texts([genes, "a b"])).encode([genes[:250]])[0].all(), "not an unknown word"


def test_learning_gives_the_same_each_time_in_any_order_of_the_texts() -> None:
    code = (
        "from tutelage.data.prepare.sub_words import learn_bpe, learn_word_pieces\n"
        f"texts = {[*LINES, TEXT]!r}\n"
        "print([learn_bpe(texts, vocabulary_size=330), learn_word_pieces(texts, vocabulary_size=120)])"
    )
    told = {subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout for _ in range(3)}
    assert len(told) == 1
    turned = [TEXT, *LINES[::-1]]
    assert learn_bpe(turned, vocabulary_size=330) == learn_bpe([*LINES, TEXT], vocabulary_size=330)
    assert learn_word_pieces(turned, vocabulary_size=120) == learn_word_pieces([*LINES, TEXT], vocabulary_size=120)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pieces": "a\nb"}, "not every byte"),
        ({"pieces": "a\na"}, "all different"),
        ({"merges": "t h\nq"}, "where two pieces belong"),
        ({"merges": "ü ü"}, "is no piece"),
        ({"merges": ""}, "neither bytes nor merged"),
        ({"length": 0}, "length"),
        ({"pieces": 5}, "pieces"),
    ],
)
def test_a_damaged_record_is_refused(changes: dict[str, Any], said: str) -> None:
    state = Bpe(vocabulary_size=300, length=8).fit(corpus()).state()
    with pytest.raises(BorderError, match=said):
        Bpe().restore(state | changes)


def test_texts_without_words_are_refused() -> None:
    for prepare in (BpeTexts(), WordPieceTexts()):
        with pytest.raises(DataError, match="no text has a single word"):
            prepare.fit(texts(["", " "]))


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    for prepare, part in ((Bpe(), corpus()), (BpeTexts(), texts()), (WordPieceTexts(), texts())):
        with pytest.raises(UsageError, match=r"tutelage\[text\]"):
            prepare.fit(part)
