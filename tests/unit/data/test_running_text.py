"""Long texts as tokens: bytes and characters compare, and each token is measured once with half a piece before it."""

import hashlib
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from tutelage.core.errors import DataError
from tutelage.data.part import corpus as corpus_part
from tutelage.data.part.corpus import CorpusPart, hash_text
from tutelage.data.prepare import running_text
from tutelage.data.prepare.bytes import Bytes
from tutelage.data.prepare.characters import Characters
from tutelage.data.prepare.running_text import WHOLE_TEXT, FittedText
from tutelage.data.rows.pieces import PieceRows
from tutelage.data.source.base import Collected
from tutelage.metric.nats_per_character import NatsPerCharacter
from tutelage.metric.token_outcome import TokenOutcome
from tutelage.planning.recipe import recipe_from
from tutelage.task.language import Language

TEXT = "Ärger über Öl: 5 € für Zoë - 漢字 and 🙂.\n" * 5


def corpus(text: str = TEXT) -> CorpusPart:
    return CorpusPart("train", text, "x.txt", hash_text(text))


@pytest.mark.parametrize("prepare", [Bytes(length=16), Characters(length=16)])
def test_text_survives_and_its_characters_are_counted(prepare: Bytes | Characters) -> None:
    fitted = prepare.fit(corpus())
    tokens = fitted.encode(TEXT)
    assert fitted.decode(torch.from_numpy(tokens.astype(np.int64))) == TEXT
    assert fitted.num_characters[tokens].sum() == len(TEXT)
    assert tokens.max() < len(fitted.num_characters) == fitted.shape.vocabulary_size
    again = prepare.restore(fitted.state())
    assert np.array_equal(again.encode(TEXT), tokens)
    assert not fitted.unknown(TEXT)


def test_a_letter_of_several_bytes_is_written_when_its_last_byte_is_there() -> None:
    write = Bytes().restore({"length": 16}).writer()
    assert [write([byte]) for byte in "é€".encode()] == ["", "é", "", "", "€"]


def test_only_characters_can_be_unknown() -> None:
    fitted: FittedText = Characters(length=16).fit(corpus())
    assert fitted.unknown("für Qx") == "Qx"
    assert fitted.encode("Q")[0] == 0
    assert not Bytes(length=16).fit(corpus()).unknown("Q")


def test_nats_per_character_do_not_depend_on_what_a_token_is() -> None:
    """Two bytes of one letter at half the surprise each are the letter at the whole of it."""
    whole = NatsPerCharacter().compute(TokenOutcome(np.log([0.25, 0.5])))
    parted = NatsPerCharacter().compute(TokenOutcome(np.log([0.5, 0.5, 0.5]), np.array([1.0, 0.0, 1.0])))
    assert whole == pytest.approx(parted)


@pytest.mark.parametrize("count", [9, 10, 12, 16, 17, 50, 51])
def test_each_token_is_measured_once_with_half_a_piece_before_it(count: int) -> None:
    rows = PieceRows(np.arange(count), length=8)
    seen: list[int] = []
    for number in range(len(rows)):
        targets = rows.take(torch.tensor([number]))["token"][0, 1:].tolist()
        new = int(rows.num_new[number])
        assert number == 0 or len(targets) - new >= 4
        seen += targets[len(targets) - new :]
    assert seen == list(range(1, count))


@pytest.mark.parametrize("prepare", [Bytes(length=64), Characters(length=64)])
def test_a_text_shorter_than_a_piece_is_named(prepare: Bytes | Characters) -> None:
    with pytest.raises(
        DataError, match=r"fewer than one piece of 64\. Give a longer text \(1,495 \w+ suffice for all parts\)\.$"
    ):
        prepare.fit(corpus("short"))
    with pytest.raises(DataError, match=r"60 \w+, fewer than one piece of 64.*--set prepare\.length=2\."):
        prepare.fit(corpus("a b c " * 10))


def test_one_character_is_told_in_the_singular_with_its_file() -> None:
    with pytest.raises(DataError, match=r"x\.txt, train: 1 character, fewer"):
        Characters(length=64).fit(corpus("a"))


def test_a_text_as_long_as_is_told_suffices_for_all_parts() -> None:
    text = ("the old man and the sea. " * 100)[: WHOLE_TEXT * (64 + 1)]
    recipe = recipe_from({"prepare": {"kind": "characters", "length": 64}}, where="test")
    data = Language().prepare(Collected(name="x", train=corpus(text)), recipe, reason="")
    assert min(data.sizes.values()) > 64


def test_characters_that_the_train_part_lacks_are_named_in_the_plan() -> None:
    text = "the old man and the sea. " * 100
    test = replace(corpus(text + "\u20ac \u00dc \u20ac"), name="test")
    recipe = recipe_from({"prepare": {"kind": "characters", "length": 16}}, where="test")
    decisions = Language().prepare(Collected(name="x", train=corpus(text), test=test), recipe, reason="").decisions()
    said = next(decision.value for decision in decisions if decision.key == "prepare")
    assert str(said).endswith(
        "; test has 2 that the train part lacks ('\u00dc', '\u20ac'), 3 times in all: they count as one unknown character"
    )


def test_a_long_text_is_hashed_and_counted_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "abcä🙂\n" * 400_000
    expected = hashlib.sha256(text.encode()).hexdigest()
    fitted, part = Bytes(length=16).restore({"length": 16}), corpus(text)
    tokens = fitted.tokens(part)
    monkeypatch.setattr(corpus_part, "BLOCK_CHARACTERS", 1_001)
    tracemalloc.start()
    assert corpus_part.hash_text(text) == expected
    hashing = tracemalloc.get_traced_memory()[1]
    counted = fitted.frequencies(part)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert hashing < 100_000
    # What counting takes is eight bytes for each token of a block.
    assert peak < 8.5 * running_text.BLOCK_TOKENS < 3 * len(tokens)
    np.testing.assert_allclose(counted, (np.bincount(tokens, minlength=256) + 1) / (len(tokens) + 256))
